"""The platforms that take plain OTLP: one table, through the real courier, to one strict stub."""

import gzip
import json
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spancast.contract import (
    Delivered,
    Encoded,
    Event,
    Exporter,
    Probe,
    Reply,
    Retry,
    Split,
    Unauthorized,
    conflicting,
)
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.otlp_wire import readable, spans
from tests.support.platform import Platform, answer
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    name: str
    url: str
    headers: dict[str, str]
    environment: dict[str, str] = field(default_factory=dict)
    path: str = "/v1/traces"


ROWS = [
    Row(
        "honeycomb",
        "https://api.honeycomb.io/v1/traces",
        {"x-honeycomb-team": "k3y"},
        environment={"HONEYCOMB_API_KEY": "k3y"},
    ),
    Row(
        "newrelic",
        "https://otlp.nr-data.net/v1/traces",
        {"api-key": "k3y"},
        environment={"NEW_RELIC_LICENSE_KEY": "k3y"},
    ),
    Row(
        "grafana",
        "https://otlp-gateway-prod-us-west-0.grafana.net/otlp/v1/traces",
        {"authorization": "Basic " + b64encode(b"7:k3y").decode()},
        environment={
            "GRAFANA_CLOUD_OTLP_ENDPOINT": "https://otlp-gateway-prod-us-west-0.grafana.net/otlp",
            "GRAFANA_CLOUD_INSTANCE_ID": "7",
            "GRAFANA_CLOUD_API_KEY": "k3y",
        },
        path="/otlp/v1/traces",
    ),
    Row(
        "logfire",
        "https://logfire-us.pydantic.dev/v1/traces",
        {"authorization": "k3y"},
        environment={"LOGFIRE_TOKEN": "k3y"},
    ),
    Row(
        "opik",
        "https://www.comet.com/opik/api/v1/private/otel/v1/traces",
        {"authorization": "k3y", "comet-workspace": "w", "projectname": "p"},
        environment={"OPIK_API_KEY": "k3y", "OPIK_WORKSPACE": "w", "OPIK_PROJECT_NAME": "p"},
        path="/v1/private/otel/v1/traces",
    ),
]
VARIABLES = {name for row in ROWS for name in row.environment} | {
    *("LOGFIRE_BASE_URL", "OPIK_URL_OVERRIDE", "GRAFANA_CLOUD_API_TOKEN"),
    *("HONEYCOMB_API_ENDPOINT", "HONEYCOMB_TRACES_ENDPOINT", "HONEYCOMB_DATASET"),
}
each_platform = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def made(row: Row, monkeypatch, **settings: Any) -> Any:
    for name, value in row.environment.items():
        monkeypatch.setenv(name, value)
    return discover.exporter(Destination(row.name, **settings))


def named(name: str) -> Row:
    return next(row for row in ROWS if row.name == name)


def seen(row: Row, monkeypatch, span: Any, **settings: Any) -> dict[str, Any]:
    (encoded,) = made(row, monkeypatch, **settings).encode([span], NOW)
    (found,) = spans(encoded)
    return found


@each_platform
def test_the_variables_that_people_set_are_enough(row, monkeypatch):
    exporter = made(row, monkeypatch)
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    (encoded,) = exporter.encode([of_call()], NOW)
    protobuf = {"content-type": "application/x-protobuf", "content-encoding": "gzip"}
    assert (encoded.request.url, encoded.request.headers) == (row.url, row.headers | protobuf)
    assert "k3y" not in repr(exporter)


@each_platform
def test_a_trace_goes_over_the_wire_like_this(row, monkeypatch):
    (encoded,) = made(row, monkeypatch).encode(a_trace(), NOW)
    golden.check(row.name, readable(encoded))


@each_platform
def test_what_the_platforms_read_of_a_call_is_there(row, monkeypatch):
    """The names of facts/destinations.md, §6: conventions everywhere, and each platform's own in the tests below."""
    found = seen(row, monkeypatch, of_call(WORDS))
    assert {name: found["attributes"].get(name) for name in CONVENTIONS} == CONVENTIONS
    for name in ("gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions"):
        assert isinstance(json.loads(bytes(found["attributes"][name])), list)
    assert found["resource"]["service.name"] == "shop"


CONVENTIONS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openrouter",
    "gen_ai.request.model": "openai/gpt-5-mini",
    "gen_ai.response.model": "openai/gpt-5-mini-2025-08-07",
    "gen_ai.response.id": "gen-1764000000-abcdefghij0123456789",
    "gen_ai.response.finish_reasons": ["tool_calls"],
    "gen_ai.usage.input_tokens": 1200,
    "gen_ai.usage.output_tokens": 80,
    "gen_ai.usage.cache_read.input_tokens": 1000,
    "user.id": "u_42",
    "session.id": "s_7",
    "openrouter.cost_usd": "0.000106000000000001",
}


@each_platform
def test_under_usage_there_are_whole_tokens_and_the_cost(row, monkeypatch):
    found = seen(row, monkeypatch, of_call(WORDS))["attributes"]
    usage = {name: value for name, value in found.items() if name.startswith("gen_ai.usage.")}
    cost = usage.pop("gen_ai.usage.cost")
    assert type(cost) is (str if row.name == "opik" else float)
    assert {type(value) for value in usage.values()} == {int}
    assert not conflicting(found)


@pytest.mark.parametrize(
    ("name", "settings", "url"),
    [
        ("honeycomb", {"endpoint": "https://api.eu1.honeycomb.io"}, "https://api.eu1.honeycomb.io/v1/traces"),
        ("newrelic", {"region": "eu"}, "https://otlp.eu01.nr-data.net/v1/traces"),
        ("newrelic", {"region": "gov"}, "https://gov-otlp.nr-data.net/v1/traces"),
        ("newrelic", {"license_key": "eu01xx0123"}, "https://otlp.eu01.nr-data.net/v1/traces"),
        ("newrelic", {"license_key": "gov01xx0123"}, "https://gov-otlp.nr-data.net/v1/traces"),
        ("newrelic", {"license_key": "0123abcd"}, "https://otlp.nr-data.net/v1/traces"),
        ("newrelic", {"license_key": "eu01xx0123", "region": "us"}, "https://otlp.nr-data.net/v1/traces"),
        ("logfire", {"token": "pylf_v1_eu_x"}, "https://logfire-eu.pydantic.dev/v1/traces"),
        ("opik", {"endpoint": "http://opik:5173/api"}, "http://opik:5173/api/v1/private/otel/v1/traces"),
    ],
)
def test_regions_and_own_servers(monkeypatch, name, settings, url):
    assert made(named(name), monkeypatch, **settings).url == url


@each_platform
def test_a_missing_key_is_named_with_where_to_get_it(row):
    with pytest.raises(Unconfigured, match=rf"{next(iter(row.environment))}.*It is in"):
        discover.exporter(Destination(row.name))


def test_what_cannot_work_is_refused_when_it_is_made(monkeypatch):
    with pytest.raises(ConfigurationError, match="header x-honeycomb-team"):
        made(named("honeycomb"), monkeypatch, api_key="a\nb")
    with pytest.raises(ConfigurationError, match="region cannot be"):
        made(named("newrelic"), monkeypatch, region="mars")
    monkeypatch.setenv("LOGFIRE_BASE_URL", "somewhere")
    with pytest.raises(ConfigurationError, match=r"cannot be .* Give a URL"):
        made(named("logfire"), monkeypatch)


@each_platform
def test_a_trace_arrives_by_the_courier(row, monkeypatch, tmp_path):
    for name, value in row.environment.items():
        monkeypatch.setenv(name, value)
    with Platform(answer()).open() as platform:
        settings = {"endpoint": platform.url}
        assert deliver(tmp_path, a_trace(), row.name, **settings).delivered == 4
    (received,) = platform.received
    assert (received.method, received.path) == ("POST", row.path)
    assert row.headers.items() <= received.headers.items()
    assert received.headers["content-encoding"] == "gzip"
    assert gzip.decompress(received.body)
    assert {span.name for span in received.spans()} == {
        *("checkout", "chat openai/gpt-5-mini", "execute_tool get_weather", "second try")
    }


@each_platform
def test_a_cost_that_nobody_knows_is_not_there(row, monkeypatch):
    found = seen(row, monkeypatch, of_call(cost=None, upstream_cost=None))["attributes"]
    assert not {"gen_ai.usage.cost", "operation.cost", "openrouter.cost_usd"} & set(found)


@each_platform
def test_the_cost_is_there_to_its_last_digit(row, monkeypatch):
    found = seen(row, monkeypatch, of_call(WORDS))["attributes"]
    assert found["openrouter.cost_usd"] == "0.000106000000000001"
    assert Decimal(str(found["gen_ai.usage.cost"])) == Decimal("0.000106000000000001")


@each_platform
def test_a_span_has_a_name_that_can_be_read(row, monkeypatch):
    named = {"trace_name": " ", "generation_name": "\n"}
    assert seen(row, monkeypatch, of_call(**named))["name"] == "chat openai/gpt-5-mini"
    assert seen(row, monkeypatch, of_call(generation_name="a\0b"))["name"] == "a\ufffdb"
    assert seen(row, monkeypatch, of_application(" ", trace_name=None))["name"] == "unnamed"


@each_platform
def test_where_it_ran_is_told_of_the_destination_too(row, monkeypatch):
    found = seen(row, monkeypatch, of_application("work", environment="production", release="8"))["resource"]
    assert (found["deployment.environment.name"], found["service.version"]) == ("production", "8")


def test_logfire_is_given_what_left_any_account(monkeypatch):
    byok = of_call(cost=Decimal("0.00001"), upstream_cost=Decimal("0.0002"), is_byok=True)
    assert seen(named("logfire"), monkeypatch, byok)["attributes"]["operation.cost"] == 0.00021


def test_opik_is_given_its_own_attributes(monkeypatch):
    found = seen(named("opik"), monkeypatch, of_call(WORDS))["attributes"]
    assert (found["thread_id"], found["opik.tags"]) == ("s_7", ["feature:search"])
    wanted = b'{"team":"blue","user":"u_42","environment":"staging","release":"7.1"}'
    assert bytes(found["opik.metadata"]) == wanted
    byok = of_call(cost=Decimal("0.00001"), upstream_cost=None, is_byok=True)
    assert "gen_ai.usage.cost" not in seen(named("opik"), monkeypatch, byok)["attributes"]


def test_honeycomb_is_given_texts_that_a_field_holds(monkeypatch):
    raised = Event(name="exception", time=1, attributes={"exception.stacktrace": "😀" * 20_000})
    found = seen(
        named("honeycomb"), monkeypatch, of_application("w", attributes={"a": "😀" * 20_000}, events=(raised,))
    )
    for text in (found["attributes"]["a"], found["events"][0]["attributes"]["exception.stacktrace"]):
        assert text == "😀" * 16_000
        assert len(text.encode()) < 64 * 1024


@pytest.mark.parametrize("name", ["HONEYCOMB_API_ENDPOINT", "HONEYCOMB_TRACES_ENDPOINT"])
def test_honeycomb_is_where_its_own_distribution_is_told(monkeypatch, name):
    monkeypatch.setenv(name, "https://api.eu1.honeycomb.io/v1/traces")
    monkeypatch.setenv("HONEYCOMB_DATASET", "calls")
    exporter = made(named("honeycomb"), monkeypatch)
    assert (exporter.url, exporter.dataset) == ("https://api.eu1.honeycomb.io/v1/traces", "calls")


def test_honeycomb_is_told_the_dataset_of_a_classic_key(monkeypatch):
    (encoded,) = made(named("honeycomb"), monkeypatch, dataset="shop").encode([of_call()], NOW)
    assert encoded.request.headers["x-honeycomb-dataset"] == "shop"


def test_opik_fails_on_two_spans_of_one_id_so_it_is_given_the_last(monkeypatch):
    first, last = of_call(generation_name="first"), of_call(generation_name="last")
    (encoded,) = made(named("opik"), monkeypatch).encode([first, last], NOW)
    assert [span["name"] for span in spans(encoded)] == ["last"]
    assert encoded.span_ids == (first.span_id,)


@each_platform
def test_only_where_a_span_that_comes_again_replaces_the_first_is_it_sent_again(row, monkeypatch):
    """Opik's table keeps the newest row of an id (comet-ml/opik, 000001_init_script.sql); of the others nobody says."""
    resend = made(row, monkeypatch).traits.resend
    assert resend == ("upsert" if row.name == "opik" else "duplicates")


def test_opik_is_given_no_text_as_usage(monkeypatch):
    span = of_application("chat", attributes={"gen_ai.usage.note": "many", "gen_ai.usage.input_tokens": 7})
    found = seen(named("opik"), monkeypatch, span)["attributes"]
    assert (found.get("gen_ai.usage.note"), found["gen_ai.usage.input_tokens"]) == (None, 7)


def test_newrelic_is_given_no_more_than_it_takes(monkeypatch):
    stated = {"a": "x" * 5000, "n" * 256: 1, "m" * 255: 1, "l": ("y" * 4096,) * 65, "ok": "z"}
    taken = {"a": "x" * 4095, "m" * 255: 1, "l": ["y" * 4095] * 64, "ok": "z"}
    raised = Event(name="exception", time=1, attributes=stated)
    span = of_application("w", attributes=stated, events=(raised,), resource=stated, environment=None, release=None)
    found = seen(named("newrelic"), monkeypatch, span)
    assert (found["attributes"], found["resource"], found["events"][0]["attributes"]) == (taken, taken, taken)
    words = of_application("w", content={"gen_ai.input.messages": "x" * 5000})
    assert seen(named("newrelic"), monkeypatch, words)["attributes"] == {"gen_ai.input.messages": "x" * 4095}
    many = [of_application("w", attributes={f"k{n}": "x" * 4000 for n in range(100)}) for _ in range(4)]
    assert [len(each.span_ids) for each in made(named("newrelic"), monkeypatch).encode(many, NOW)] == [2, 2]


@each_platform
@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, {}), Delivered),
        (Reply(200, {"content-type": "text/html"}, b"<html>"), Retry),
        (Reply(200, {"content-type": "application/json"}, b'{"partialSuccess":{"rejectedSpans":1}}'), Split),
        (
            Reply(200, {"content-type": "application/json"}, b'{"partial_success":{"rejected_spans":"1"}}'),
            Split,
        ),
        (Reply(200, {"content-type": "application/json"}, b'{"status":"error"}'), Retry),
        (Reply(401, {}), Unauthorized),
        (Reply(429, {"retry-after": "7"}), Retry),
    ],
    ids=["ok", "page", "partial", "partial by the schema's names", "error", "401", "429"],
)
def test_an_answer_is_read(row, monkeypatch, reply, verdict):
    exporter = made(row, monkeypatch)
    (one,) = exporter.encode([of_call(), of_application("w")], NOW)
    assert isinstance(exporter.judge(Encoded(one.request, one.span_ids), reply), verdict)


def test_opik_is_asked_for_a_project_for_it_fails_on_a_request_without_spans(monkeypatch):
    exporter = made(named("opik"), monkeypatch)
    request = exporter.probe(NOW)
    assert (request.method, request.body) == ("GET", b"")
    assert request.url == "https://www.comet.com/opik/api/v1/private/projects?page=1&size=1"
    assert exporter.diagnose(Reply(200, {}, b'{"page":1,"size":0,"total":0,"content":[]}')) is None
    assert "OPIK_URL_OVERRIDE" in (exporter.diagnose(Reply(200, {}, b"{}")) or "")


@each_platform
def test_a_connection_is_tested_without_a_span(row, monkeypatch):
    exporter = made(row, monkeypatch)
    request = exporter.probe(NOW)
    if row.name != "opik":
        assert (request.method, request.url, request.body) == ("POST", row.url, b"")
        assert request.headers["content-type"] == "application/x-protobuf"
        assert exporter.diagnose(Reply(200, {})) is None
    assert row.headers.items() <= request.headers.items()
    assert "It is in" in (exporter.diagnose(Reply(403, {})) or "")
    assert "refuses" in (exporter.diagnose(Reply(401, {})) or "")
    page = exporter.diagnose(Reply(200, {"content-type": "text/html"}, b"<html>")) or ""
    assert ("page" in page, row.url in page, page.endswith("Check the endpoint.")) == (True, True, True)
    assert exporter.diagnose(Reply(200, {"content-type": "text/plain"}, b"OK")) is not None


ALL = {
    **{row.name: {} for row in ROWS},
    "otlp": {},
    "webhook": {},
    "phoenix": {},
    "mlflow": {},
    "arize": {"api_key": "k3y", "space_id": "s"},
    "elastic": {"api_key": "k3y"},
    "posthog": {"api_key": "k3y"},
    "raindrop": {"write_key": "k3y"},
    "ramp": {"api_key": "k3y"},
    "sentry": {"dsn": "https://k3y@o1.ingest.sentry.io/1"},
}


@pytest.mark.parametrize("name", ALL)
def test_a_password_in_an_address_is_refused_and_not_shown(name, monkeypatch):
    for row in ROWS:
        for variable, value in row.environment.items():
            monkeypatch.setenv(variable, value)
    with pytest.raises(ConfigurationError, match="which would not be sent") as raised:
        discover.exporter(Destination(name, endpoint="https://ada:pa55word@collector.example", **ALL[name]))
    assert "pa55word" not in str(raised.value)
