from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from spancast.contract import Exporter, Probe
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters.posthog import Posthog
from tests.support.delivered import deliver
from tests.support.platform import answer, hanging_up, in_json
from tests.support.platforms.posthog import KEY, posthog
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("API_KEY", "PROJECT_API_KEY", "HOST"):
        monkeypatch.delenv(f"POSTHOG_{name}", raising=False)


def made(**settings) -> Posthog:
    exporter = discover.exporter(Destination("posthog", **settings))
    assert isinstance(exporter, Posthog)
    return exporter


@pytest.fixture
def shown(tmp_path):
    """Return the event of a span that came through the courier."""

    def show(span):
        with posthog() as (capture, platform):
            assert deliver(tmp_path, [span], "posthog", endpoint=platform.url, api_key=KEY).delivered == 1
        (found,) = capture.events.values()
        return found

    return show


@pytest.mark.parametrize("name", ["API_KEY", "PROJECT_API_KEY"])
def test_the_variables_that_people_set_are_read(monkeypatch, name):
    with pytest.raises(Unconfigured, match=r"POSTHOG_API_KEY.*phc_"):
        made()
    monkeypatch.setenv(f"POSTHOG_{name}", KEY)
    assert made().url == "https://us.i.posthog.com/batch/"
    monkeypatch.setenv("POSTHOG_HOST", "https://eu.i.posthog.com/")
    assert made().url == "https://eu.i.posthog.com/batch/"
    assert isinstance(made(), Exporter)
    assert isinstance(made(), Probe)
    assert KEY not in repr(made())


@pytest.mark.parametrize("settings", [{"endpoint": "x"}, {"api_key": "phx_1"}, {"api_key": "a b"}])
def test_what_cannot_work_is_refused_when_it_is_made(settings):
    with pytest.raises(ConfigurationError):
        made(**{"api_key": KEY, **settings})


def test_a_trace_is_events_of_their_kinds(tmp_path):
    with posthog() as (capture, platform):
        assert deliver(tmp_path, a_trace(), "posthog", endpoint=platform.url, api_key=KEY).delivered == 4
    found = list(capture.events.values())
    assert [each["event"] for each in found] == ["$ai_trace", "$ai_generation", "$ai_span", "$ai_generation"]
    assert [each["properties"].get("$ai_parent_id") for each in found] == [s.parent_span_id for s in a_trace()]
    assert (found[3]["properties"]["$ai_is_error"], found[3]["properties"]["$ai_error"]) == (
        True,
        "Rate limit exceeded",
    )
    assert {each["distinct_id"] for each in found} == {"u_42"}


def test_a_call_says_what_it_was_and_cost_to_the_last_digit(shown):
    found = shown(of_call(WORDS))["properties"]
    assert found["$ai_total_cost_usd"] == Decimal("0.000106000000000001")
    assert (found["$ai_input_cost_usd"], found["$ai_output_cost_usd"]) == (
        Decimal("0.0001"),
        Decimal("0.000006000000000001"),
    )
    assert (found["$ai_input_tokens"], found["$ai_cache_read_input_tokens"]) == (1200, 1000)
    assert (found["$ai_session_id"], found["metadata_team"], found["$ai_latency"]) == ("s_7", "blue", Decimal(2))
    assert found["$ai_input"][0] == {"role": "system", "content": "You are terse."}
    assert found["$ai_output_choices"][0]["tool_calls"][0]["function"]["name"] == "get_weather"


def test_an_unknown_cost_is_not_told_and_nothing_is(shown):
    assert not [name for name in shown(of_call(**UNKNOWN))["properties"] if "cost" in name]


def test_a_call_for_nothing_costs_nothing(shown):
    assert shown(of_call(**{**UNKNOWN, "cost": Decimal(0)}))["properties"]["$ai_total_cost_usd"] == 0


def test_an_embedding_is_one_and_where_nobody_is_named_there_is_no_person(shown):
    found = shown(of_call(operation="embeddings", user=None))
    assert (found["event"], found["distinct_id"]) == ("$ai_embedding", "s_7")
    assert found["properties"]["$process_person_profile"] is False


def test_a_span_that_arrives_twice_has_one_uuid_and_one_whose_answer_was_lost_is_not_sent_again(tmp_path):
    with posthog() as (capture, platform), closing(Wire()) as wire:
        (encoded,) = made(endpoint=platform.url, api_key=KEY).encode([of_call()], NOW)
        assert [wire.post(encoded.request).status for _ in range(2)] == [200, 200]
    assert len(capture.events) == 1
    with posthog(hanging_up) as (_, platform):
        assert deliver(tmp_path, [of_call()], "posthog", endpoint=platform.url, api_key=KEY).dead == 1


def test_no_request_is_larger_than_posthog_takes():
    many = [of_call(span_id=f"{each:016x}") for each in range(1, 251)]
    assert [len(each.span_ids) for each in made(api_key=KEY).encode(many, NOW)] == [100, 100, 50]
    large = [
        of_application("x", span_id=f"{each:016x}", content={"input.value": "w" * 800_000}) for each in range(1, 11)
    ]
    requests = made(api_key=KEY).encode(large, NOW)
    assert len(requests) > 1
    assert all(len(each.request.body) <= 4_000_000 for each in requests)


def test_hostile_values_spoil_nothing(shown):
    span = replace(
        of_application("w\ud800"), user="u" * 300, tags={"\ud800": "x"}, content={"input.value": "w" * 2**20}
    )
    found = shown(span)
    assert found["properties"]["$ai_input_state"].startswith("[left out")
    assert len(found["distinct_id"]) == 200


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (answer(401), "parked"),
        (answer(503), "retrying"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "retrying"),
        (in_json(200, {}), "retrying"),
        (in_json(200, {"status": "error"}), "retrying"),
    ],
)
def test_what_posthog_does_not_take_waits(tmp_path, reply, state):
    with posthog(reply) as (capture, platform):
        standing = deliver(tmp_path, [of_call()], "posthog", endpoint=platform.url, api_key=KEY)
    assert (standing.state, standing.waiting, capture.events) == (state, 1, {})


def test_a_connection_is_tested_without_leaving_a_trace():
    with posthog() as (capture, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, api_key=KEY)
        assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
    assert capture.events == {}
    with posthog(answer(404)) as (_, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, api_key=KEY)
        assert "POSTHOG_HOST" in (exporter.diagnose(wire.post(exporter.probe(NOW))) or "")
    with posthog(in_json(200, {"ok": True})) as (_, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, api_key=KEY)
        assert "is not one of PostHog" in (exporter.diagnose(wire.post(exporter.probe(NOW))) or "")
