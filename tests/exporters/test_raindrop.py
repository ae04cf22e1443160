import json
import subprocess
from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from spancast.contract import Delivered, Encoded, Exporter, Probe, Rejected, Reply, Split
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast.records.content import Content
from spancast_exporters.raindrop import Raindrop
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.environments import python_with
from tests.support.hostile import HOSTILE
from tests.support.platform import JSON, answer, hanging_up, in_json
from tests.support.platforms.raindrop import KEY, raindrop
from tests.support.spans import WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
UNKNOWN = dict.fromkeys(("cost", "cost_source", "upstream_cost", "upstream_input_cost", "upstream_output_cost"))


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("WRITE_KEY", "API_KEY", "PROJECT_ID"):
        monkeypatch.delenv(f"RAINDROP_{name}", raising=False)


def made(**settings) -> Raindrop:
    exporter = discover.exporter(Destination("raindrop", **settings))
    assert isinstance(exporter, Raindrop)
    return exporter


def event(span) -> dict[str, Any]:
    """Return the event that goes over the wire; numbers with a point are decimals, as they are written."""
    (encoded,) = made(write_key=KEY).encode([span], NOW)
    (found,) = json.loads(encoded.request.body, parse_float=Decimal)
    return found


@pytest.fixture
def kept(tmp_path):
    """Return the event of a span that came through the courier."""

    def keep(span, **settings) -> dict[str, Any]:
        with raindrop() as (ingestion, platform):
            standing = deliver(tmp_path, [span], "raindrop", endpoint=platform.url, write_key=KEY, **settings)
        assert (standing.delivered, standing.dead) == (1, 0)
        (found,) = ingestion.events
        return found

    return keep


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["WRITE_KEY", "API_KEY"])
def test_the_variables_that_people_set_are_enough(monkeypatch, name):
    with pytest.raises(Unconfigured, match=r"RAINDROP_WRITE_KEY.*Settings"):
        made()
    monkeypatch.setenv(f"RAINDROP_{name}", KEY)
    monkeypatch.setenv("RAINDROP_PROJECT_ID", "support-prod")
    exporter = made()
    assert isinstance(exporter, Exporter)
    assert isinstance(exporter, Probe)
    assert KEY not in repr(exporter)
    (encoded,) = exporter.encode([of_call()], NOW)
    assert (encoded.request.method, encoded.request.url) == ("POST", "https://api.raindrop.ai/v1/events/track")
    assert encoded.request.headers == {
        "authorization": f"Bearer {KEY}",
        "content-type": "application/json",
        "x-raindrop-project-id": "support-prod",
    }


def test_without_a_project_none_is_named():
    (encoded,) = made(write_key=KEY).encode([of_call()], NOW)
    assert set(encoded.request.headers) == {"authorization", "content-type"}


@pytest.mark.parametrize("path", ["", "/", "/v1", "/v1/", "/v1/events/track", "/v1/traces"])
def test_the_endpoint_may_be_any_of_raindrops(path):
    (encoded,) = made(write_key=KEY, endpoint=f"https://proxy.example{path}").encode([of_call()], NOW)
    assert encoded.request.url == "https://proxy.example/v1/events/track"


@pytest.mark.parametrize(
    "settings", [{"endpoint": "x"}, {"write_key": "a b"}, {"write_key": "a\nb"}, {"project": "Support Prod"}]
)
def test_what_cannot_work_is_refused_when_it_is_made(settings):
    with pytest.raises(ConfigurationError):
        made(**{"write_key": KEY, **settings})


# --- what goes -------------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    (encoded,) = made(write_key=KEY, project="support-prod").encode(a_trace(), NOW)
    request = encoded.request
    golden.check(
        "raindrop",
        {"method": request.method, "url": request.url, "headers": request.headers, "body": msgspec.Raw(request.body)},
    )


def test_a_trace_is_its_calls(tmp_path):
    with raindrop() as (ingestion, platform):
        standing = deliver(tmp_path, a_trace(), "raindrop", endpoint=platform.url, write_key=KEY)
    assert (standing.delivered, standing.dead, standing.waiting) == (2, 0, 0)
    assert standing.reasons == {"left out by the exporter": 2}
    assert [each["event"] for each in ingestion.events] == ["chat", "second try"]
    refused = ingestion.events[1]
    assert (
        refused["properties"]["error"],
        refused["properties"]["error_type"],
        refused["properties"]["http_status"],
    ) == (
        "Rate limit exceeded",
        "rate_limit_exceeded",
        429,
    )
    assert not [name for name in refused["properties"] if "cost" in name]


def test_a_call_says_what_it_was_by_the_names_that_openrouter_gives_it(kept):
    found = kept(of_call(WORDS))
    assert (found["user_id"], found["ai_data"]["convo_id"], found["event"]) == ("u_42", "s_7", "chat")
    assert found["timestamp"] == "2026-09-21T14:13:20+00:00"
    assert {
        "model": "openai/gpt-5-mini-2025-08-07",
        "provider": "Azure",
        "prompt_tokens": 1200,
        "completion_tokens": 80,
        "total_tokens": 1280,
        "cached_tokens": 1000,
        "reasoning_tokens": 30,
        "duration_ms": Decimal(2000),
        "time_to_first_token_ms": Decimal(250),
        "finish_reason": "tool_calls",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "trace_name": "checkout",
        "feature": "search",
        "team": "blue",
        "environment": "staging",
        "release": "7.1",
        "temperature": Decimal("0.2"),
        "max_tokens": 256,
    }.items() <= found["properties"].items()


def test_words_are_the_latest_of_the_user_and_the_answer(kept):
    found = kept(of_call(WORDS))
    assert found["ai_data"] == {
        "model": "openai/gpt-5-mini-2025-08-07",
        "input": "What is the weather in Paris?",
        "output": "Let me check.",
        "convo_id": "s_7",
    }
    assert found["properties"]["system_prompt"] == "You are terse."
    assert json.loads(found["properties"]["tool_calls"]) == [{"name": "get_weather", "arguments": '{"city":"Paris"}'}]


def test_without_words_there_is_no_ai_data_and_the_session_is_a_property(kept):
    found = kept(of_call())
    assert "ai_data" not in found
    assert (found["properties"]["convo_id"], found["properties"]["model"]) == ("s_7", "openai/gpt-5-mini-2025-08-07")
    assert not {"system_prompt", "tool_calls"} & set(found["properties"])


def test_an_answer_that_is_only_a_tool_call_has_no_output(kept):
    call = [{"role": "assistant", "parts": [{"type": "tool_call", "id": "1", "name": "f", "arguments": {}}]}]
    found = kept(of_call(Content(call_id="c" * 32, output_messages=json.dumps(call))))
    assert "ai_data" not in found
    assert json.loads(found["properties"]["tool_calls"]) == [{"name": "f", "arguments": "{}"}]


def test_the_words_of_another_library_are_shown_as_they_are(kept):
    words = {"gen_ai.input.messages": "What?", "gen_ai.output.messages": "It is sunny."}
    found = kept(of_application("chat gpt", attributes={"gen_ai.operation.name": "chat"}, content=words))
    assert (found["ai_data"]["input"], found["ai_data"]["output"]) == ("What?", "It is sunny.")


def test_where_nobody_is_named_it_is_nobody(kept):
    assert kept(of_call(user=None))["user_id"] == "anonymous"


def test_what_is_known_of_a_call_wins_over_what_its_request_calls_so(kept):
    found = kept(of_call(metadata={"model": "mine", "team": "blue"}, tags={"total_cost": "0"}))["properties"]
    assert (found["model"], found["team"]) == ("openai/gpt-5-mini-2025-08-07", "blue")
    assert found["total_cost"] == Decimal("0.000106000000000001")


# --- money -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cost", ["0.000106000000000001", "0", "0.00000000000000000001", "123456789.000000000001"])
def test_the_cost_is_exact(cost):
    (encoded,) = made(write_key=KEY).encode([of_call(**{**UNKNOWN, "cost": Decimal(cost)})], NOW)
    assert f'"total_cost":{cost},'.encode() in encoded.request.body


def test_the_cost_is_parted_where_its_parts_are_known(kept):
    found = kept(of_call())["properties"]
    assert (found["input_cost"], found["output_cost"]) == (Decimal("0.0001"), Decimal("0.000006000000000001"))


def test_under_byok_the_providers_own_bill_is_part_of_the_cost_and_a_fee_alone_is_none():
    byok = event(of_call(cost=Decimal("0.00001"), upstream_cost=Decimal("0.0002"), is_byok=True))
    assert byok["properties"]["total_cost"] == Decimal("0.00021")
    fee = event(of_call(cost=Decimal("0.00001"), upstream_cost=None, is_byok=True))
    assert "total_cost" not in fee["properties"]


def test_an_unknown_cost_is_not_told():
    assert not [name for name in event(of_call(**UNKNOWN))["properties"] if "cost" in name]


# --- limits and answers ----------------------------------------------------------------------------------------------


def test_no_request_is_larger_than_raindrop_takes():
    many = [of_call(span_id=f"{each:016x}") for each in range(1, 25)]
    assert [len(each.span_ids) for each in made(write_key=KEY).encode(many, NOW)] == [10, 10, 4]
    large = [of_call(said("x" * 450_000), span_id=f"{each:016x}") for each in range(1, 11)]
    requests = made(write_key=KEY).encode(large, NOW)
    assert [len(each.span_ids) for each in requests] == [4, 4, 2]
    assert all(len(each.request.body) <= 4_000_000 for each in requests)


@pytest.mark.parametrize("letter", ["x", "\x00", "ä", "界", "\U0001d54f"])
def test_no_event_is_larger_than_raindrop_takes(kept, letter):
    labels = {f"k{each}": letter * 20_000 for each in range(100)}
    found = kept(of_call(said(letter * 2**21), metadata=labels, error_message=letter * 90_000, outcome="error"))
    assert found["ai_data"]["output"].endswith("Raindrop takes]")
    assert found["properties"]["prompt_tokens"] == 1200


def test_an_event_that_fits_is_whole(kept):
    assert len(kept(of_call(said("界" * 80_000)))["ai_data"]["output"]) == 80_000


def said(text: str) -> Content:
    """Return the words of a call that are one text."""
    words = json.dumps([{"role": "assistant", "parts": [{"type": "text", "content": text}]}])
    return Content(call_id="c" * 32, output_messages=words, input_messages=words)


@pytest.mark.parametrize("facts", HOSTILE.values(), ids=HOSTILE)
def test_hostile_values_spoil_nothing(kept, facts):
    assert kept(of_call(**facts))["properties"]["prompt_tokens"] == 1200


def test_a_bad_event_costs_no_other(tmp_path):
    with raindrop(in_json(400, {"error": "properties"})) as (ingestion, platform):
        spans = [of_call(span_id=f"{each:016x}") for each in (1, 2)]
        assert deliver(tmp_path, spans, "raindrop", endpoint=platform.url, write_key=KEY).delivered == 2
    assert [len(json.loads(each.body)) for each in platform.received] == [2, 1, 1]
    assert len(ingestion.events) == 2


def test_the_ids_that_raindrop_names_are_those_that_it_took():
    exporter = made(write_key=KEY)
    (encoded,) = exporter.encode([of_call(span_id=f"{each:016x}") for each in (1, 2)], NOW)
    first, second = (each["event_id"] for each in json.loads(encoded.request.body))

    def judged(*ids: str) -> Any:
        body = json.dumps({"events": [{"event_id": each} for each in ids]}).encode()
        return exporter.judge(encoded, Reply(200, JSON, body))

    assert judged(first, second) == Delivered()
    lost = judged(first)
    assert isinstance(lost, Rejected)
    assert set(lost.reasons) == {f"{2:016x}"}


def test_two_that_are_refused_are_parted_and_one_is_dead():
    exporter, reply = made(write_key=KEY), Reply(400, JSON, b'{"error": "properties"}')
    (encoded,) = exporter.encode([of_call(), of_call(span_id="0" * 15 + "1")], NOW)
    assert exporter.judge(encoded, reply) == Split("HTTP 400: properties")
    alone = exporter.judge(Encoded(encoded.request, encoded.span_ids[:1]), reply)
    assert isinstance(alone, Rejected)


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (in_json(401, {"error": "Invalid write key"}), "parked"),
        (in_json(403, {"error": "Project is archived"}), "parked"),
        (in_json(429, {"error": "Too many requests"}, retry_after="30"), "retrying"),
        (answer(503), "retrying"),
        (answer(200, {"content-type": "text/html"}, b"<p>"), "retrying"),
    ],
)
def test_what_raindrop_does_not_take_waits(tmp_path, reply, state):
    with raindrop(reply) as (ingestion, platform):
        standing = deliver(tmp_path, [of_call()], "raindrop", endpoint=platform.url, write_key=KEY)
    assert (standing.state, standing.waiting, ingestion.events) == (state, 1, [])


def test_an_event_whose_answer_was_lost_is_not_sent_again_and_its_id_would_be_the_same(tmp_path):
    with raindrop(hanging_up) as (_, platform):
        assert deliver(tmp_path, [of_call()], "raindrop", endpoint=platform.url, write_key=KEY).dead == 1
    assert event(of_call())["event_id"] == event(of_call(cost=None))["event_id"]
    assert event(of_call())["event_id"] != event(of_call(span_id="0" * 15 + "1"))["event_id"]


def test_a_connection_is_tested_without_an_event():
    with raindrop() as (ingestion, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, write_key=KEY)
        assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
        stranger = made(endpoint=platform.url, write_key="rk_other")
        told = stranger.diagnose(wire.post(stranger.probe(NOW))) or ""
        archived = made(endpoint=platform.url, write_key=KEY, project="old")
        closed = archived.diagnose(wire.post(archived.probe(NOW))) or ""
    assert (ingestion.events, ingestion.traced) == ([], 1)
    assert "RAINDROP_WRITE_KEY" in told
    assert "Project is archived" in closed


@pytest.mark.slow
def test_raindrops_own_sdk_takes_each_event_for_one_of_its_own():
    pydantic = ("pydantic", "pydantic-core", "annotated-types", "typing-extensions", "typing-inspection")
    python = python_with("receivers/raindrop", "--no-deps", "raindrop-ai==0.0.75", *pydantic, alone=True)
    script = """
import importlib.util, json, pathlib, sys
package = pathlib.Path(importlib.util.find_spec("raindrop").origin).parent
spec = importlib.util.spec_from_file_location("models", package / "models.py")  # of the rest, it needs a lot
models = importlib.util.module_from_spec(spec)
spec.loader.exec_module(models)
for event in json.load(sys.stdin):
    (models.TrackAIEvent if "ai_data" in event else models.TrackEvent).model_validate(event)
    print(event["event"])
"""
    told = dict.fromkeys(("model", "input", "output", "convo_id"), "x")
    spans = [*a_trace(), of_call(), of_call(WORDS, user=None), *(of_call(WORDS, **each) for each in HOSTILE.values())]
    events = [one for each in made(write_key=KEY).encode(spans, NOW) for one in json.loads(each.request.body)]
    for each in events:
        if "ai_data" in each:  # the SDK's own model wants all four
            each["ai_data"] = {**told, **each["ai_data"]}
    said = subprocess.run(
        [python, "-c", script], check=True, capture_output=True, text=True, input=json.dumps(events)
    ).stdout
    assert len(said.splitlines()) == len(events) == 4 + len(HOSTILE)
