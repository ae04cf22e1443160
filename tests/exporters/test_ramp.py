import json
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from spancast.contract import Exporter, Probe
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters.ramp import Ramp
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.hostile import HOSTILE
from tests.support.platform import answer, hanging_up, in_json
from tests.support.platforms.ramp import KEY, PATH, Row, ramp
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
URL = f"https://api.ramp.com{PATH}"
GENERATION = "gen-1764000000-abcdefghij0123456789"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    monkeypatch.delenv("RAMP_API_KEY", raising=False)


def made(**settings) -> Ramp:
    exporter = discover.exporter(Destination("ramp", **settings))
    assert isinstance(exporter, Ramp)
    return exporter


def attributes(span) -> dict[str, Any]:
    """Return the attributes that go over the wire, each with its kind."""
    (encoded,) = made(api_key=KEY).encode([span], NOW)
    (resource,) = json.loads(encoded.request.body)["resourceSpans"]
    (one,) = (each for scope in resource["scopeSpans"] for each in scope["spans"])
    return {pair["key"]: pair["value"] for pair in one["attributes"]}


@pytest.fixture
def kept(tmp_path):
    """Return what Ramp keeps of a call that came to it through the courier."""

    def keep(span, **settings) -> Row:
        with ramp() as (usage, platform):
            standing = deliver(tmp_path, [span], "ramp", endpoint=f"{platform.url}{PATH}", api_key=KEY, **settings)
        assert (standing.delivered, usage.words) == (1, [])
        (found,) = usage.rows.values()
        return found

    return keep


def test_the_variable_that_people_set_is_enough(monkeypatch):
    with pytest.raises(Unconfigured, match=r"RAMP_API_KEY.*Integrations, OpenRouter"):
        made()
    monkeypatch.setenv("RAMP_API_KEY", KEY)
    exporter = made()
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    assert KEY not in repr(exporter)
    (encoded,) = exporter.encode([of_call()], NOW)
    assert (encoded.request.method, encoded.request.url) == ("POST", URL)
    assert encoded.request.headers == {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


@pytest.mark.parametrize("headers", ["x-team=blue", {"X-Team": "blue"}])
def test_headers_of_ones_own_are_added_and_win_over_nothing(headers):
    (encoded,) = made(api_key=KEY, headers=headers).encode([of_call()], NOW)
    assert encoded.request.headers["x-team"] == "blue"
    (encoded,) = made(api_key=KEY, headers="authorization=x,content-type=y").encode([of_call()], NOW)
    assert encoded.request.headers == {"authorization": f"Bearer {KEY}", "content-type": "application/json"}


@pytest.mark.parametrize("settings", [{"endpoint": "x"}, {"api_key": "a\nb"}, {"headers": "x"}])
def test_what_cannot_work_is_refused_when_it_is_made(settings):
    with pytest.raises(ConfigurationError):
        made(**{"api_key": KEY, **settings})


def test_a_trace_goes_over_the_wire_like_this():
    (encoded,) = made(api_key=KEY).encode(a_trace(), NOW)
    request = encoded.request
    golden.check(
        "ramp",
        {"method": request.method, "url": request.url, "headers": request.headers, "body": msgspec.Raw(request.body)},
    )


def test_a_trace_is_its_calls(tmp_path):
    with ramp() as (usage, platform):
        standing = deliver(tmp_path, a_trace(), "ramp", endpoint=f"{platform.url}{PATH}", api_key=KEY)
    assert (standing.delivered, standing.dead, standing.waiting) == (2, 0, 0)
    assert standing.reasons == {"left out by the exporter": 2}
    assert set(usage.rows) == {GENERATION, "ec71ae3c4e1f5a10"}
    assert (usage.rows["ec71ae3c4e1f5a10"].cost, usage.rows[GENERATION].prompt_tokens) == (None, 1200)


def test_a_call_says_what_it_took_and_for_whom(kept):
    assert kept(of_call(WORDS)) == Row(
        model="openai/gpt-5-mini",
        prompt_tokens=1200,
        completion_tokens=80,
        cached_tokens=1000,
        reasoning_tokens=30,
        cost=Decimal("0.0001060000"),
        end_user="u_42",
        metadata={"environment": "staging", "release": "7.1", "feature": "search", "team": "blue"},
    )


def test_what_a_request_says_of_itself_wins_over_a_tag(kept):
    assert kept(of_call(tags={"team": "red"}, metadata={"team": "blue"})).metadata["team"] == "blue"


def test_a_trace_that_the_request_names_names_a_root():
    (encoded,) = made(api_key=KEY).encode([of_call(parent_span_id=None)], NOW)
    assert b'"name":"checkout"' in encoded.request.body


def test_another_librarys_call_has_the_cost_that_was_added_to_it(kept):
    stated = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "openai/gpt-5", "openrouter.cost_usd": "0.5"}
    found = kept(of_application("chat gpt", attributes=stated))
    assert (found.model, found.cost, found.end_user) == ("openai/gpt-5", Decimal("0.5"), "u_42")


def test_the_cost_is_a_number_and_beside_it_a_text_to_its_last_digit():
    found = attributes(of_call())
    assert found["gen_ai.usage.total_cost"] == {"doubleValue": 0.000106000000000001}
    assert found["gen_ai.usage.input_cost"] == {"doubleValue": 0.0001}
    assert found["openrouter.cost_usd"] == {"stringValue": "0.000106000000000001"}


@pytest.mark.parametrize(
    ("facts", "cost"),
    [
        ({"cost": Decimal(0)}, Decimal(0)),
        ({"cost": None}, None),
        ({"cost": Decimal("0.00001"), "upstream_cost": Decimal("0.0002"), "is_byok": True}, Decimal("0.00021")),
        ({"cost": Decimal("0.00001"), "is_byok": True}, None),
    ],
    ids=["nothing", "unknown", "with the provider's own bill", "a fee alone"],
)
def test_a_cost_is_all_that_left_any_account_or_unknown(kept, facts, cost):
    parts = dict.fromkeys(("upstream_cost", "upstream_input_cost", "upstream_output_cost"))
    assert kept(of_call(**{**parts, **facts})).cost == cost


def test_no_request_is_large_and_no_text_costs_a_record():
    many = [of_call(span_id=f"{each:016x}") for each in range(1, 121)]
    requests = made(api_key=KEY).encode(many, NOW)
    assert sum(len(each.span_ids) for each in requests) == 120
    assert all(len(each.request.body) <= 1_000_000 for each in requests)
    assert made(api_key=KEY).traits.max_spans == 50
    long = attributes(of_call(metadata={f"note {each}": "x" * 50_000 for each in range(1_000)}))
    notes = [value["stringValue"] for name, value in long.items() if name.startswith("trace.metadata.note")]
    assert len(notes) == 100 - len(("environment", "release", "feature"))
    assert {len(each) for each in notes} == {1_000}


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_spoil_nothing(kept, facts):
    assert kept(of_call(**facts)).prompt_tokens == 1200


def test_a_call_whose_answer_was_lost_is_sent_again(tmp_path):
    with ramp(hanging_up) as (_, platform):
        standing = deliver(tmp_path, [of_call()], "ramp", endpoint=f"{platform.url}{PATH}", api_key=KEY)
    assert (standing.state, standing.waiting, standing.dead) == ("retrying", 1, 0)


def test_a_call_that_comes_again_with_its_cost_is_one():
    with ramp() as (usage, platform), closing(Wire()) as wire:
        exporter = made(endpoint=f"{platform.url}{PATH}", api_key=KEY)
        for cost in (None, Decimal("0.5")):
            (encoded,) = exporter.encode([of_call(cost=cost, upstream_cost=None)], NOW)
            assert wire.post(encoded.request).status == 204
    assert [row.cost for row in usage.rows.values()] == [Decimal("0.5")]


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (in_json(401, {"error": "invalid_token"}), "parked"),
        (in_json(403, {"error": "insufficient scope"}), "parked"),
        (in_json(429, {"error": "rate limit"}, retry_after="30"), "retrying"),
        (answer(503), "retrying"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "retrying"),
    ],
)
def test_what_ramp_does_not_take_waits(tmp_path, reply, state):
    with ramp(reply) as (usage, platform):
        standing = deliver(tmp_path, [of_call()], "ramp", endpoint=f"{platform.url}{PATH}", api_key=KEY)
    assert (standing.state, standing.waiting, usage.rows) == (state, 1, {})


def test_a_connection_is_tested_as_openrouter_tests_it():
    with ramp() as (usage, platform), closing(Wire()) as wire:
        exporter = made(endpoint=f"{platform.url}{PATH}", api_key=KEY)
        assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
        stranger = made(endpoint=f"{platform.url}{PATH}", api_key="another")
        told = stranger.diagnose(wire.post(stranger.probe(NOW))) or ""
    assert (usage.rows, usage.tests) == ({}, 1)
    assert platform.received[0].headers["x-test-connection"] == "true"
    assert "refuses the credential" in told
    assert "RAMP_API_KEY" in told
