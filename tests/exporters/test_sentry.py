import json
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from spancast.contract import Event, Exporter, Probe
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters.sentry import Sentry
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.environments import python_with
from tests.support.hostile import HOSTILE
from tests.support.otlp_wire import readable, spans
from tests.support.platform import answer, hanging_up, in_json
from tests.support.platforms.sentry import KEY, Shown, dsn, sentry
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
DSN = f"https://{KEY}@o1.ingest.us.sentry.io/42"
DSNS = {
    DSN: "https://o1.ingest.us.sentry.io/api/42/integration/otlp/v1/traces",
    f"https://{KEY}@o1.ingest.de.sentry.io/7": "https://o1.ingest.de.sentry.io/api/7/integration/otlp/v1/traces",
    f"http://{KEY}@relay:3000/own/path/9": "http://relay:3000/own/path/api/9/integration/otlp/v1/traces",
    f"https://{KEY}:s3cret@sentry.example/1": "https://sentry.example/api/1/integration/otlp/v1/traces",
}


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("DSN", "ENVIRONMENT", "RELEASE"):
        monkeypatch.delenv(f"SENTRY_{name}", raising=False)


def made(**settings) -> Sentry:
    exporter = discover.exporter(Destination("sentry", **{"dsn": DSN, **settings}))
    assert isinstance(exporter, Sentry)
    return exporter


def attributes(span, **settings) -> dict[str, Any]:
    """Return the attributes that go over the wire."""
    (encoded,) = made(**settings).encode([span], NOW)
    (found,) = spans(encoded)
    return found["attributes"]


@pytest.fixture
def shown(tmp_path):
    """Return what Sentry keeps of a span that came to it through the courier."""

    def show(span, **settings) -> Shown:
        with sentry() as (relay, platform):
            assert deliver(tmp_path, [span], "sentry", dsn=dsn(platform), **settings).delivered == 1
        assert relay.faults == []
        (found,) = relay.spans
        return found

    return show


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("stated", "url"), DSNS.items())
def test_a_dsn_says_where_it_goes_and_whose_it_is(monkeypatch, stated, url):
    monkeypatch.setenv("SENTRY_DSN", stated)
    exporter = discover.exporter(Destination("sentry"))
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    (encoded,) = exporter.encode([of_call()], NOW)
    assert encoded.request.url == url
    protobuf = {"content-encoding": "gzip", "content-type": "application/x-protobuf"}
    assert encoded.request.headers == {"x-sentry-auth": f"sentry sentry_key={KEY}", **protobuf}
    assert KEY not in repr(exporter)


@pytest.mark.parametrize(
    ("endpoint", "url"),
    [
        ("https://relay.example/", "https://relay.example/api/42/integration/otlp/v1/traces"),
        ("https://relay.example/api/42/integration/otlp/v1/traces", None),
        ("https://relay.example/api/42/integration/otlp/v1/traces/", None),
    ],
)
def test_the_endpoint_that_sentry_shows_wins_over_that_of_the_dsn(endpoint, url):
    assert made(endpoint=endpoint).url == (url or endpoint.rstrip("/"))


def test_a_missing_dsn_is_named_with_where_to_get_it():
    with pytest.raises(Unconfigured, match=r"SENTRY_DSN.*Client Keys"):
        discover.exporter(Destination("sentry"))


@pytest.mark.parametrize(
    "stated",
    [
        *("o1.ingest.sentry.io/42", "https://o1.ingest.sentry.io/42", f"https://{KEY}@o1.ingest.sentry.io/"),
        *(f"https://{KEY}@o1.ingest.sentry.io/shop", f"ftp://{KEY}@o1.ingest.sentry.io/42", "https://[x/42"),
    ],
)
def test_what_is_no_dsn_is_refused_and_not_shown(stated):
    with pytest.raises(ConfigurationError, match="dsn is not a DSN") as raised:
        made(dsn=stated)
    assert KEY not in str(raised.value)


@pytest.mark.slow
def test_sentrys_own_sdk_makes_the_same_address_and_key_of_a_dsn():
    script = """
import json, sys
from sentry_sdk.consts import EndpointType, SPANDATA
from sentry_sdk.utils import Dsn
auths = [Dsn(each).to_auth() for each in sys.argv[1:]]
found = [[each.get_api_url(EndpointType.OTLP_TRACES), each.public_key] for each in auths]
print(json.dumps([found, [value for name, value in vars(SPANDATA).items() if name.isupper()]]))
"""
    python = python_with("receivers/sentry", "sentry-sdk==2.75.0", alone=True)
    said = subprocess.run([python, "-c", script, *DSNS], check=True, capture_output=True, text=True).stdout
    found, names = json.loads(said)
    assert found == [[f"{url}/", KEY] for url in DSNS.values()]
    sent = attributes(of_call(WORDS))
    theirs = {name for name in sent if name.startswith(("gen_ai.response.time", "gen_ai.usage.", "sentry."))}
    ours = {"gen_ai.usage.cost", "gen_ai.usage.cache_write.input_tokens"}
    assert len(theirs - ours) > 8
    assert not theirs - ours - set(names)


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    (encoded,) = made().encode(a_trace(), NOW)
    golden.check("sentry", readable(encoded))


def test_a_trace_is_kept_like_this(tmp_path):
    with sentry() as (relay, platform):
        assert deliver(tmp_path, a_trace(), "sentry", dsn=dsn(platform)).delivered == 4
    assert relay.faults == []
    agent, call = relay.one("checkout"), relay.one("chat openai/gpt-5-mini")
    tool, refused = relay.one("execute_tool get_weather"), relay.one("second try")
    assert [each.status for each in (agent, call, tool, refused)] == ["ok", "ok", "error", "error"]
    assert (agent.parent_id, call.parent_id, tool.parent_id) == (None, *["00f067aa0ba902b7"] * 2)
    assert {
        "exception.type": "TimeoutError",
        "exception.message": "no answer",
        "exception.stacktrace": "Traceback …",
    }.items() <= tool.attributes.items()
    assert refused.attributes["sentry.status.message"] == "Rate limit exceeded"
    assert not [name for name in refused.attributes if name.startswith("gen_ai.cost.")]


@pytest.mark.parametrize("span", [of_call(), of_application("work")], ids=["ours", "the application's"])
def test_whom_a_span_was_for_and_where_is_said_on_every_span(shown, span):
    assert {
        "user.id": "u_42",
        "session.id": "s_7",
        "gen_ai.conversation.id": "s_7",
        "sentry.environment": "staging",
        "sentry.release": "7.1",
    }.items() <= shown(span).attributes.items()


def test_a_conversation_of_the_applications_own_stays(shown):
    span = of_application("chat", attributes={"gen_ai.conversation.id": "c_1"})
    assert shown(span).attributes["gen_ai.conversation.id"] == "c_1"


@pytest.mark.parametrize(
    ("stated", "operation"),
    [
        ({"openinference.span.kind": "LLM"}, "chat"),
        ({"openinference.span.kind": "TOOL"}, "execute_tool"),
        ({"openinference.span.kind": "AGENT", "gen_ai.operation.name": "create_agent"}, "create_agent"),
        ({"openinference.span.kind": "CHAIN"}, None),
        ({}, None),
    ],
)
def test_what_another_library_says_by_another_name_is_work_of_a_model_too(shown, stated, operation):
    assert shown(of_application("work", attributes=stated)).attributes.get("gen_ai.operation.name") == operation


def test_sentrys_own_variables_win_over_the_resource_and_not_over_the_request(monkeypatch):
    monkeypatch.setenv("SENTRY_ENVIRONMENT", "production")
    monkeypatch.setenv("SENTRY_RELEASE", "9")
    found = attributes(of_call())
    assert (found["sentry.environment"], found["sentry.release"]) == ("production", "9")
    asked = attributes(of_call(environment="canary", release="10"))
    assert (asked["sentry.environment"], asked["sentry.release"]) == ("canary", "10")


def test_a_call_says_its_model_parameters_tokens_and_speed(shown):
    found = shown(of_call(WORDS)).attributes
    assert {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": "openai/gpt-5-mini",
        "gen_ai.response.model": "openai/gpt-5-mini-2025-08-07",
        "gen_ai.request.max_tokens": 256,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.input_tokens.cached": 1000,
        "gen_ai.usage.input_tokens.cache_write": 50,
        "gen_ai.usage.output_tokens": 80,
        "gen_ai.usage.output_tokens.reasoning": 30,
        "gen_ai.usage.total_tokens": 1280.0,
        "gen_ai.response.time_to_first_token": 0.25,
        "spancast.tag.feature": "search",
        "spancast.metadata.team": "blue",
    }.items() <= found.items()
    assert json.loads(found["gen_ai.output.messages"])[0]["parts"][2]["name"] == "get_weather"


def test_words_are_sent_only_where_the_span_has_them(shown):
    assert not [name for name in shown(of_call()).attributes if "messages" in name or "instructions" in name]


# --- money -----------------------------------------------------------------------------------------------------------


def test_the_cost_that_is_given_is_kept_for_a_model_that_sentry_knows(shown):
    found = shown(of_call(WORDS)).attributes
    assert Decimal(str(found["gen_ai.cost.total_tokens"])) == Decimal("0.000106000000000001")
    assert (found["gen_ai.cost.input_tokens"], found["gen_ai.cost.output_tokens"]) == (0.0001, 6.000000000001e-06)
    assert found["openrouter.cost_usd"] == "0.000106000000000001"


def test_a_call_for_nothing_costs_nothing(shown):
    parts = dict.fromkeys(("upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    assert shown(of_call(cost=Decimal(0), **parts)).attributes["gen_ai.cost.total_tokens"] == 0.0


def test_under_byok_the_providers_own_bill_is_part_of_the_cost_and_a_fee_alone_is_none():
    byok = of_call(cost=Decimal("0.00001"), upstream_cost=Decimal("0.0002"), is_byok=True)
    assert attributes(byok)["gen_ai.cost.total_tokens"] == 0.00021
    fee = of_call(cost=Decimal("0.00001"), upstream_cost=None, is_byok=True)
    assert "gen_ai.cost.total_tokens" not in attributes(fee)


def test_another_librarys_call_has_the_cost_that_was_added_to_it(shown):
    stated = {"gen_ai.operation.name": "chat", "gen_ai.usage.input_tokens": 7, "openrouter.cost_usd": "0.5"}
    assert shown(of_application("chat gpt", attributes=stated)).attributes["gen_ai.cost.total_tokens"] == 0.5


def test_what_is_no_call_of_a_model_has_no_cost():
    stated = {"gen_ai.operation.name": "invoke_agent", "gen_ai.usage.cost": 0.5}
    assert "gen_ai.cost.total_tokens" not in attributes(of_application("agent", attributes=stated))


# --- limits and answers ----------------------------------------------------------------------------------------------


def test_a_span_stays_below_what_relay_takes(shown):
    words = {f"gen_ai.{name}": "界" * 4_000_000 for name in ("input.messages", "output.messages", "tool.definitions")}
    found = shown(of_application("chat", content=words)).attributes
    assert {len(found[name]) for name in words} == {600_000}


def test_an_exception_is_as_long_as_any_text():
    raised = Event(name="exception", time=1, attributes={"exception.stacktrace": "x" * 700_000})
    found = attributes(of_application("work", status="error", events=(raised,)))
    assert len(found["exception.stacktrace"]) == 600_000


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_spoil_nothing(shown, facts):
    assert shown(of_call(**facts)).attributes["gen_ai.usage.input_tokens"] == 1200


def test_an_error_that_nobody_describes_is_one(shown):
    found = shown(of_application("work", status="error"))
    assert (found.status, [name for name in found.attributes if name.startswith("exception")]) == ("error", [])


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (in_json(403, {"detail": "event submission rejected with_reason: ProjectId"}), "parked"),
        (in_json(429, {"detail": "Sentry dropped data due to a quota"}, retry_after="60"), "retrying"),
        (answer(503), "retrying"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "retrying"),
    ],
)
def test_what_sentry_does_not_take_waits(tmp_path, reply, state):
    with sentry(reply) as (relay, platform):
        standing = deliver(tmp_path, [of_call()], "sentry", dsn=dsn(platform))
    assert (standing.state, standing.waiting, relay.spans) == (state, 1, [])


def test_a_span_whose_answer_was_lost_is_not_sent_again(tmp_path):
    with sentry(hanging_up) as (_, platform):
        assert deliver(tmp_path, [of_call()], "sentry", dsn=dsn(platform)).dead == 1


def test_a_connection_is_tested_without_leaving_a_span():
    with sentry() as (relay, platform), closing(Wire()) as wire:
        exporter = made(dsn=dsn(platform))
        assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
        stranger = replace(exporter, dsn=dsn(platform).replace(KEY, "f" * 32))
        told = stranger.diagnose(wire.post(stranger.probe(NOW))) or ""
    assert relay.spans == []
    assert "refuses the credential" in told
    assert "SENTRY_DSN" in told
