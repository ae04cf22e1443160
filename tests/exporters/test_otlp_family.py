"""The platforms that take plain OTLP: one table, through the real courier, to one strict stub."""

import gzip
from base64 import b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spancast.contract import Delivered, Encoded, Exporter, Probe, Reply, Retry, Split, Unauthorized
from spancast.delivery import discover
from spancast.delivery.discover import Unconfigured
from spancast.destination import Destination
from spancast.errors import ConfigurationError
from tests.support.delivered import deliver
from tests.support.otlp_wire import spans
from tests.support.platform import Platform, answer
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    name: str
    url: str
    headers: dict[str, str]
    needed: dict[str, str] = field(default_factory=dict)
    """Options without variables."""
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
        needed={"endpoint": "https://otlp-gateway-prod-us-west-0.grafana.net", "instance_id": "7", "token": "k3y"},
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
VARIABLES = {name for row in ROWS for name in row.environment} | {"LOGFIRE_BASE_URL", "OPIK_URL_OVERRIDE"}
each_platform = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def made(row: Row, monkeypatch, **settings: Any) -> Any:
    for name, value in row.environment.items():
        monkeypatch.setenv(name, value)
    return discover.exporter(Destination(row.name, **{**row.needed, **settings}))


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


@pytest.mark.parametrize(
    ("name", "settings", "url"),
    [
        ("honeycomb", {"endpoint": "https://api.eu1.honeycomb.io"}, "https://api.eu1.honeycomb.io/v1/traces"),
        ("newrelic", {"region": "eu"}, "https://otlp.eu01.nr-data.net/v1/traces"),
        ("newrelic", {"region": "gov"}, "https://gov-otlp.nr-data.net/v1/traces"),
        ("logfire", {"token": "pylf_v1_eu_x"}, "https://logfire-eu.pydantic.dev/v1/traces"),
        ("opik", {"endpoint": "http://opik:5173/api"}, "http://opik:5173/api/v1/private/otel/v1/traces"),
    ],
)
def test_regions_and_own_servers(monkeypatch, name, settings, url):
    assert made(named(name), monkeypatch, **settings).url == url


@pytest.mark.parametrize("row", [row for row in ROWS if row.environment], ids=lambda row: row.name)
def test_a_missing_key_is_named_with_where_to_get_it(row):
    with pytest.raises(Unconfigured, match=rf"{next(iter(row.environment))}.*It is in"):
        discover.exporter(Destination(row.name))


def test_what_cannot_work_is_refused_when_it_is_made(monkeypatch):
    with pytest.raises(ConfigurationError, match="header x-honeycomb-team"):
        made(named("honeycomb"), monkeypatch, api_key="a\nb")
    with pytest.raises(ConfigurationError, match="region cannot be"):
        made(named("newrelic"), monkeypatch, region="mars")
    monkeypatch.setenv("LOGFIRE_BASE_URL", "somewhere")
    with pytest.raises(ConfigurationError, match="no URL"):
        made(named("logfire"), monkeypatch)


@each_platform
def test_a_trace_arrives_by_the_courier(row, monkeypatch, tmp_path):
    for name, value in row.environment.items():
        monkeypatch.setenv(name, value)
    with Platform(answer()).open() as platform:
        settings = {**row.needed, "endpoint": platform.url}
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


def test_opik_is_given_no_text_as_usage(monkeypatch):
    span = of_application("chat", attributes={"gen_ai.usage.note": "many", "gen_ai.usage.input_tokens": 7})
    found = seen(named("opik"), monkeypatch, span)["attributes"]
    assert (found.get("gen_ai.usage.note"), found["gen_ai.usage.input_tokens"]) == (None, 7)


def test_newrelic_is_given_no_more_than_it_takes(monkeypatch):
    span = of_application("w", attributes={"a": "x" * 5000, "n" * 256: 1, "l": ("y",) * 65, "ok": "z"})
    found = seen(named("newrelic"), monkeypatch, span)["attributes"]
    assert found == {"a": "x" * 4095, "l": ["y"] * 64, "ok": "z"}
    many = [of_application("w", attributes={f"k{n}": "x" * 4000 for n in range(100)}) for _ in range(4)]
    assert [len(each.span_ids) for each in made(named("newrelic"), monkeypatch).encode(many, NOW)] == [2, 2]


@each_platform
@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, {}), Delivered),
        (Reply(200, {"content-type": "text/html"}, b"<html>"), Retry),
        (Reply(200, {"content-type": "application/json"}, b'{"partialSuccess":{"rejectedSpans":1}}'), Split),
        (Reply(401, {}), Unauthorized),
        (Reply(429, {"retry-after": "7"}), Retry),
    ],
    ids=["ok", "page", "partial", "401", "429"],
)
def test_an_answer_is_read(row, monkeypatch, reply, verdict):
    exporter = made(row, monkeypatch)
    (one,) = exporter.encode([of_call(), of_application("w")], NOW)
    assert isinstance(exporter.judge(Encoded(one.request, one.span_ids), reply), verdict)


@each_platform
def test_a_connection_is_tested_without_a_span(row, monkeypatch):
    exporter = made(row, monkeypatch)
    request = exporter.probe(NOW)
    assert (request.url, request.body) == (row.url, b"")
    assert row.headers.items() <= request.headers.items()
    assert exporter.diagnose(Reply(200, {})) is None
    assert "refuses" in (exporter.diagnose(Reply(401, {})) or "")
    assert "page" in (exporter.diagnose(Reply(200, {"content-type": "text/html"}, b"<html>")) or "")
