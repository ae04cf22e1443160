from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spancast.contract import Exporter, Probe
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters.elastic import Elastic
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.hostile import HOSTILE
from tests.support.otlp_wire import readable, spans
from tests.support.platform import answer, hanging_up, in_json
from tests.support.platforms.elastic import KEY, TOKEN, Document, elastic
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
ENDPOINT = "https://shop-1a2b.ingest.eu-west-1.aws.elastic.cloud"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    apm = ("SERVER_URL", "SERVER_ENDPOINT", "API_KEY", "SECRET_TOKEN", "ENVIRONMENT", "SERVICE_VERSION")
    for name in ("OTLP_ENDPOINT", "API_KEY", *(f"APM_{each}" for each in apm)):
        monkeypatch.delenv(f"ELASTIC_{name}", raising=False)


def made(**settings) -> Elastic:
    exporter = discover.exporter(Destination("elastic", **settings))
    assert isinstance(exporter, Elastic)
    return exporter


def sent(span, **settings) -> dict[str, Any]:
    """Return the span that goes over the wire."""
    (encoded,) = made(**{"endpoint": ENDPOINT, "api_key": KEY, **settings}).encode([span], NOW)
    (found,) = spans(encoded)
    return found


@pytest.fixture
def kept(tmp_path):
    """Return what Elastic keeps of a span that came to it through the courier."""

    def keep(span, **settings) -> Document:
        with elastic() as (endpoint, platform):
            standing = deliver(tmp_path, [span], "elastic", endpoint=platform.url, **{"api_key": KEY, **settings})
        assert (standing.delivered, endpoint.faults) == (1, [])
        (found,) = endpoint.documents
        return found

    return keep


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "url", "authorization"),
    [
        ({"OTLP_ENDPOINT": f"{ENDPOINT}:443", "API_KEY": KEY}, f"{ENDPOINT}:443/v1/traces", f"ApiKey {KEY}"),
        ({"OTLP_ENDPOINT": f"{ENDPOINT}/v1", "API_KEY": f"ApiKey {KEY}"}, f"{ENDPOINT}/v1/traces", f"ApiKey {KEY}"),
        ({"OTLP_ENDPOINT": f"{ENDPOINT}/v1/traces/", "API_KEY": KEY}, f"{ENDPOINT}/v1/traces", f"ApiKey {KEY}"),
        (
            {"OTLP_ENDPOINT": "https://es:9200/_otlp", "API_KEY": KEY},
            "https://es:9200/_otlp/v1/traces",
            f"ApiKey {KEY}",
        ),
        ({"APM_SERVER_URL": "http://apm:8200", "APM_API_KEY": KEY}, "http://apm:8200/v1/traces", f"ApiKey {KEY}"),
        (
            {"APM_SERVER_URL": "http://apm:8200", "APM_SECRET_TOKEN": TOKEN},
            "http://apm:8200/v1/traces",
            f"Bearer {TOKEN}",
        ),
    ],
)
def test_the_variables_that_people_set_are_enough(monkeypatch, variables, url, authorization):
    for name, value in variables.items():
        monkeypatch.setenv(f"ELASTIC_{name}", value)
    exporter = made()
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    (encoded,) = exporter.encode([of_call()], NOW)
    protobuf = {"content-encoding": "gzip", "content-type": "application/x-protobuf"}
    assert (encoded.request.url, encoded.request.headers) == (url, {"authorization": authorization, **protobuf})
    assert not [secret for secret in (KEY, TOKEN) if secret in repr(exporter)]


def test_what_is_missing_is_named_with_where_to_get_it(monkeypatch):
    with pytest.raises(Unconfigured, match=r"ELASTIC_OTLP_ENDPOINT.*Add data"):
        made()
    monkeypatch.setenv("ELASTIC_OTLP_ENDPOINT", ENDPOINT)
    with pytest.raises(Unconfigured, match=r"ELASTIC_API_KEY.*Stack Management"):
        made()


@pytest.mark.parametrize("settings", [{"endpoint": "elastic.cloud"}, {"api_key": "a\nb"}])
def test_what_cannot_work_is_refused_when_it_is_made(settings):
    with pytest.raises(ConfigurationError):
        made(**{"endpoint": ENDPOINT, "api_key": KEY, **settings})


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    (encoded,) = made(endpoint=ENDPOINT, api_key=KEY).encode(a_trace(), NOW)
    golden.check("elastic", readable(encoded))


def test_a_trace_is_kept_like_this(tmp_path):
    with elastic() as (endpoint, platform):
        assert deliver(tmp_path, a_trace(), "elastic", endpoint=platform.url, api_key=KEY).delivered == 4
    assert endpoint.faults == []
    assert {each.name: each.status for each in endpoint.documents} == {
        "checkout": None,
        "chat openai/gpt-5-mini": None,
        "execute_tool get_weather": "Error",
        "second try": "Error",
    }


def test_a_call_says_what_it_was_by_the_names_of_the_conventions(kept):
    found = kept(of_call(WORDS))
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": "openai/gpt-5-mini",
        "gen_ai.response.model": "openai/gpt-5-mini-2025-08-07",
        "gen_ai.response.id": "gen-1764000000-abcdefghij0123456789",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 80,
        "gen_ai.usage.cache_read.input_tokens": 1000,
        "gen_ai.usage.reasoning.output_tokens": 30,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "spancast.tag.feature": "search",
        "spancast.metadata.team": "blue",
    }.items() <= found.attributes.items()
    assert found.attributes["gen_ai.output.messages"][0]["parts"][2]["name"] == "get_weather"
    assert found.resource["service.name"] == "shop"


@pytest.mark.parametrize("span", [of_call(), of_application("work")], ids=["ours", "the application's"])
def test_whom_a_span_was_for_and_where_is_said_on_every_span(kept, span):
    found = kept(span)
    assert (found.attributes["user.id"], found.attributes["session.id"]) == ("u_42", "s_7")
    assert (found.resource["deployment.environment.name"], found.resource["service.version"]) == ("staging", "7.1")
    assert not [name for name in found.attributes if "messages" in name]


def test_elastics_own_variables_win_over_the_resource_and_not_over_the_request(monkeypatch):
    monkeypatch.setenv("ELASTIC_APM_ENVIRONMENT", "production")
    monkeypatch.setenv("ELASTIC_APM_SERVICE_VERSION", "9")
    found, asked = sent(of_call())["resource"], sent(of_call(environment="canary", release="10"))["resource"]
    assert (found["deployment.environment.name"], found["service.version"]) == ("production", "9")
    assert (asked["deployment.environment.name"], asked["service.version"]) == ("canary", "10")


def test_the_cost_is_a_number_to_be_summed_and_a_text_to_its_last_digit(kept):
    found = kept(of_call()).attributes
    assert type(found["gen_ai.usage.cost"]) is float
    assert Decimal(str(found["gen_ai.usage.cost"])) == Decimal("0.000106000000000001")
    assert found["openrouter.cost_usd"] == "0.000106000000000001"


def test_a_cost_that_nobody_knows_is_not_there(kept):
    found = kept(of_call(cost=None, upstream_cost=None)).attributes
    assert not {"gen_ai.usage.cost", "openrouter.cost_usd"} & set(found)


# --- limits and answers ----------------------------------------------------------------------------------------------


def test_no_request_is_larger_than_elastic_takes(tmp_path):
    many = [
        of_application("w", span_id=f"{each:016x}", content={"input.value": "界" * 240_000}) for each in range(1, 11)
    ]
    with elastic() as (endpoint, platform):
        assert deliver(tmp_path, many, "elastic", endpoint=platform.url, api_key=KEY).delivered == 10
    assert (len(endpoint.documents), endpoint.faults) == (10, [])
    assert len(platform.received) == 2


def test_a_span_stays_below_what_elastic_takes(kept):
    words = {f"gen_ai.{name}": "界" * 1_000_000 for name in ("input.messages", "output.messages", "tool.definitions")}
    found = kept(of_application("chat", content=words)).attributes
    assert {len(found[name]) for name in words} == {240_000}


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_spoil_nothing(kept, facts):
    assert kept(of_call(**facts)).attributes["gen_ai.usage.input_tokens"] == 1200


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (in_json(401, {"code": 16, "message": "ApiKey prefix not found"}), "parked"),
        (in_json(429, {"code": 8, "message": "request exceeded available capacity"}, retry_after="30"), "retrying"),
        (answer(503), "retrying"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "retrying"),
    ],
)
def test_what_elastic_does_not_take_waits(tmp_path, reply, state):
    with elastic(reply) as (endpoint, platform):
        standing = deliver(tmp_path, [of_call()], "elastic", endpoint=platform.url, api_key=KEY)
    assert (standing.state, standing.waiting, endpoint.documents) == (state, 1, [])


def test_a_span_whose_answer_was_lost_is_not_sent_again(tmp_path):
    with elastic(hanging_up) as (_, platform):
        assert deliver(tmp_path, [of_call()], "elastic", endpoint=platform.url, api_key=KEY).dead == 1


def test_a_connection_is_tested_without_leaving_a_span():
    with elastic() as (endpoint, platform), closing(Wire()) as wire:
        for settings in ({"api_key": KEY}, {"secret_token": TOKEN}):
            exporter = made(endpoint=platform.url, **settings)
            assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
        stranger = made(endpoint=platform.url, api_key="another")
        told = stranger.diagnose(wire.post(stranger.probe(NOW))) or ""
        kibana = made(endpoint=f"{platform.url}/app", api_key=KEY)
        lost = kibana.diagnose(wire.post(kibana.probe(NOW))) or ""
    assert endpoint.documents == []
    assert "unable to authenticate" in told
    assert "ELASTIC_API_KEY" in told
    assert "Check the endpoint." in lost
