from contextlib import closing
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from spancast.contract import (
    Delivered,
    Encoded,
    Event,
    Exporter,
    Probe,
    ReadBack,
    Rejected,
    Reply,
    Request,
    Retry,
    Split,
    Unauthorized,
    conflicting,
)
from spancast.delivery.http.wire import Wire
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.destinations.discover import Unconfigured
from spancast.errors import ConfigurationError
from spancast_exporters.weave import Weave
from tests.support import golden
from tests.support.delivered import deliver
from tests.support.otlp_wire import readable, spans
from tests.support.platform import JSON
from tests.support.platforms.weave import KEY, PLACE, Shown, cost_shown, weave
from tests.support.spans import SECOND, WORDS, a_trace, of_application, of_call

NOW = datetime(2026, 9, 21, tzinfo=UTC)
PROTOBUF = {"content-type": "application/x-protobuf"}
CHAT = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "openai/gpt-5"}
MODEL = "openai/gpt-5-mini-2025-08-07"
PRICED = f"openrouter:{MODEL}"
"""What the Traces view calls the model."""


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch):
    for name in ("WANDB_API_KEY", "WANDB_ENTITY", "WANDB_PROJECT", "WANDB_BASE_URL", "WANDB_PUBLIC_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("WF_TRACE_SERVER_URL", raising=False)


def made(**settings) -> Weave:
    exporter = discover.exporter(Destination("weave", **{"api_key": KEY, "project_id": PLACE, **settings}))
    assert isinstance(exporter, Weave)
    return exporter


def one_request(*sent, **settings) -> Encoded:
    (encoded,) = made(**settings).encode(sent, NOW)
    return encoded


def attributes(span) -> dict:
    """Return the attributes that go over the wire."""
    (found,) = spans(one_request(span))
    seen: dict = found["attributes"]
    return seen


@pytest.fixture
def shown(tmp_path):
    """Return how the Agents view has a span that came to it through the courier."""

    def show(span, **settings) -> Shown:
        with weave() as (server, platform):
            at = {"endpoint": platform.url, "api_key": KEY, "project_id": PLACE}
            standing = deliver(tmp_path, [span], "weave", **at, **settings)
        assert (standing.delivered, server.faults) == (1, [])
        (found,) = server.spans.values()
        return found

    return show


@pytest.fixture
def called(tmp_path):
    """Return the call that the Traces view has of a span that came to it through the courier."""

    def show(span, **settings) -> dict:
        with weave() as (server, platform):
            at = {"endpoint": platform.url, "api_key": KEY, "project_id": PLACE, "view": "traces"}
            standing = deliver(tmp_path, [span], "weave", **at, **settings)
        assert (standing.delivered, server.faults) == (1, [])
        (found,) = server.calls.values()
        return found

    return show


def test_it_is_an_exporter_that_can_be_probed_and_asked():
    assert isinstance(made(), Exporter)
    assert isinstance(made(), Probe)
    assert isinstance(made(), ReadBack)


# --- where it goes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "base"),
    [
        ({}, "https://trace.wandb.ai"),
        ({"WANDB_BASE_URL": "https://api.wandb.ai/"}, "https://trace.wandb.ai"),
        ({"WANDB_BASE_URL": "https://wandb.example/"}, "https://wandb.example/traces"),
        (
            {"WANDB_BASE_URL": "http://inside", "WANDB_PUBLIC_BASE_URL": "https://wandb.example"},
            "https://wandb.example/traces",
        ),
        (
            {"WF_TRACE_SERVER_URL": "https://weave.example", "WANDB_BASE_URL": "https://wandb.example"},
            "https://weave.example",
        ),
        ({"WF_TRACE_SERVER_URL": "https://weave.example/agents/otel/v1/traces"}, "https://weave.example"),
    ],
)
def test_the_variables_that_people_set_say_where_it_goes(monkeypatch, variables, base):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert one_request(of_call()).request.url == f"{base}/agents/otel/v1/traces"
    assert one_request(of_call(), view="traces").request.url == f"{base}/call/upsert_batch"


def test_an_endpoint_that_names_the_path_is_used_as_it_is():
    url = "https://trace.wandb.ai/otel/v1/traces"
    assert one_request(of_call(), endpoint=url).request.url == url
    assert one_request(of_call(), endpoint=url, view="traces").request.url == "https://trace.wandb.ai/call/upsert_batch"


def test_the_variables_that_people_set_say_who_sends_and_to_which_project(monkeypatch):
    for name, value in {"WANDB_API_KEY": KEY, "WANDB_ENTITY": "acme", "WANDB_PROJECT": "shop"}.items():
        monkeypatch.setenv(name, value)
    exporter = discover.exporter(Destination("weave"))
    assert isinstance(exporter, Weave)
    (encoded,) = exporter.encode([of_call()], NOW)
    (span,) = spans(encoded)
    assert encoded.request.headers["wandb-api-key"] == KEY
    assert (span["resource"]["wandb.entity"], span["resource"]["wandb.project"]) == ("acme", "shop")


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({"project_id": PLACE}, r"WANDB_API_KEY.*wandb\.ai/authorize"),
        ({"api_key": KEY, "project": "shop"}, "WANDB_ENTITY"),
        ({"api_key": KEY, "entity": "acme"}, "WANDB_PROJECT"),
    ],
)
def test_what_is_missing_is_named_with_where_to_get_it(given, missing):
    with pytest.raises(Unconfigured, match=missing):
        discover.exporter(Destination("weave", **given))


def test_a_project_may_be_written_with_its_entity():
    (span,) = spans(one_request(of_call(), project_id=None, entity="me", project="acme/shop"))
    assert (span["resource"]["wandb.entity"], span["resource"]["wandb.project"]) == ("acme", "shop")


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"endpoint": "trace.wandb.ai"}, "endpoint cannot be"),
        ({"base_url": "wandb.example"}, "base_url cannot be"),
        ({"api_key": "a key\n"}, "Copy it again"),
        ({"project_id": "shop"}, "is not a project"),
        ({"project_id": "acme/shop/7"}, "is not a project"),
        ({"view": "both"}, "view cannot be 'both'"),
    ],
)
def test_what_cannot_work_is_refused_when_it_is_made(settings, why):
    with pytest.raises(ConfigurationError, match=why):
        made(**settings)


def test_the_key_is_not_shown():
    assert KEY not in repr(made())


def test_what_the_application_says_of_a_project_of_its_own_does_not_lead_elsewhere(shown):
    resource = {"service.name": "shop", "wandb": "x", "wandb.entity": "other", "wandb.project.name": "y"}
    assert shown(of_application("work", resource=resource)).place == PLACE


# --- the Agents view -------------------------------------------------------------------------------------------------


def test_a_trace_goes_over_the_wire_like_this():
    golden.check("weave", readable(one_request(*a_trace())))


def test_a_trace_is_shown_like_this(tmp_path):
    with weave() as (server, platform):
        settings = {"endpoint": platform.url, "api_key": KEY, "project_id": PLACE}
        assert deliver(tmp_path, a_trace(), "weave", **settings).delivered == 4
    assert server.faults == []
    agent, call, tool = (
        server.one(name) for name in ("checkout", "chat openai/gpt-5-mini", "execute_tool get_weather")
    )
    assert (agent.parent_id, call.parent_id) == ("", a_trace()[0].span_id)
    assert {each.place for each in server.spans.values()} == {PLACE}
    assert agent.at("gen_ai.agent.name") == "weather"
    assert agent.at("gen_ai.input.messages") == "What is the weather in Paris?"
    assert tool.at("gen_ai.tool.call.arguments") == {"city": "Paris"}
    assert (tool.status, tool.at("error.type"), tool.message) == ("ERROR", "TimeoutError", "no answer")
    refused = server.one("second try")
    assert (refused.status, refused.message) == ("ERROR", "Rate limit exceeded")
    assert refused.at("error.type") == "rate_limit_exceeded"


@pytest.mark.parametrize("span", [of_call(), of_application("work")], ids=["ours", "the application's"])
def test_whom_a_span_was_for_is_said_on_every_span(shown, span):
    found = shown(span)
    names = ("gen_ai.conversation.id", "user.id", "trace_name", "environment", "release", "tags.feature")
    assert [found.at(name) for name in names] == ["s_7", "u_42", "checkout", "staging", "7.1", "search"]


def test_a_call_is_what_it_was(shown):
    found = shown(of_call())
    expected = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openrouter",
        "gen_ai.request.model": "openai/gpt-5-mini",
        "gen_ai.response.model": MODEL,
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 256,
        "gen_ai.request.stop_sequences": ["END"],
        "gen_ai.response.finish_reasons": ["tool_calls"],
        "gen_ai.usage.input_tokens": 1200,
        "gen_ai.usage.output_tokens": 80,
        "gen_ai.usage.cache_read.input_tokens": 1000,
        "gen_ai.usage.cache_creation.input_tokens": 50,
        "gen_ai.usage.reasoning.output_tokens": 30,
        "gen_ai.usage.cost": 0.000106000000000001,
        "gen_ai.response.time_to_first_chunk": 0.25,
        "openrouter.cost_usd": "0.000106000000000001",
        "openrouter.provider": "Azure",
        "metadata.team": "blue",
    }
    assert {name: found.at(name) for name in expected} == expected


def test_the_words_are_where_the_view_looks_for_them():
    said = attributes(of_call(WORDS))
    assert b"What is the weather in Paris?" in bytes(said["gen_ai.input.messages"])
    assert b"get_weather" in bytes(said["gen_ai.output.messages"])
    assert b"You are terse." in bytes(said["gen_ai.system_instructions"])
    assert b"Tells the weather." in bytes(said["gen_ai.tool.definitions"])


def test_what_left_any_account_is_the_cost_with_an_own_key():
    span = of_call(cost=Decimal("0.0001"), upstream_cost=Decimal("0.02"), is_byok=True)
    assert attributes(span)["gen_ai.usage.cost"] == 0.0201
    assert attributes(span)["openrouter.spent_usd"] == "0.0201"


def test_what_another_library_says_of_a_call_is_read(shown):
    stated = {**CHAT, "gen_ai.system": "openrouter", "gen_ai.usage.prompt_tokens": 7, "openrouter.cost_usd": "0.25"}
    found = shown(of_application("chat", attributes=stated, content={"traceloop.entity.input": "Hi"}))
    assert found.at("gen_ai.usage.input_tokens") == 7
    assert found.at("gen_ai.usage.cost") == 0.25
    assert found.at("gen_ai.input.messages") == "Hi"


def test_words_that_weave_finds_itself_are_not_said_twice():
    content = {"gen_ai.prompt.0.role": "user", "gen_ai.prompt.0.content": "Hi"}
    said = attributes(of_application("chat", attributes=CHAT, content=content))
    assert "gen_ai.input.messages" not in said


# --- names that form no tree -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"a": 1, "a.b": 2}, {"a_value": 1, "a.b": 2}),
        ({"a": 1, "a.b": 2, "a.b.c": 3}, {"a_value": 1, "a.b_value": 2, "a.b.c": 3}),
        ({"a": 1, "a.b": 2, "a_value": 3}, {"a.b": 2, "a_value": 3}),
        ({"environment.region": "eu"}, {"environment": "staging", "environment_region": "eu"}),
        ({"tags": "x"}, {"tags_value": "x", "tags.feature": "search"}),
        ({"gen_ai.conversation": "x"}, {"gen_ai.conversation_value": "x", "gen_ai.conversation.id": "s_7"}),
        (
            {**CHAT, "gen_ai.usage.input_tokens": 5, "gen_ai.usage.input_tokens.cached": 2},
            {"gen_ai.usage.input_tokens": 5, "gen_ai.usage.input_tokens_cached": 2},
        ),
    ],
)
def test_a_name_that_is_in_the_way_of_another_is_changed_and_nothing_is_lost(shown, stated, expected):
    span = of_application("work", attributes=stated)
    found = attributes(span)
    assert not conflicting(found)
    assert {name: found.get(name) for name in expected} == expected
    assert shown(span).name == "checkout"


def test_events_form_a_tree_too(shown):
    event = Event(name="seen", time=1, attributes={"a": 1, "a.b": 2})
    assert shown(of_application("work", events=(event,))).name == "checkout"


@pytest.mark.parametrize(
    "text",
    ["[" * 50_000, '{"a":' * 5_000 + "1" + "}" * 5_000, "[" + "9" * 5_000 + "]", '["\\ud800"]'],
    ids=["nesting", "nested objects", "digits", "half a character"],
)
def test_text_that_looks_like_json_and_chokes_its_parser_arrives(shown, text):
    assert shown(of_application("work", attributes={"text": text})).at("text") is not None


def test_json_that_is_too_deep_is_cut_and_what_is_none_is_told_as_text():
    deep, none, digits = '{"a":' * 500 + "1" + "}" * 500, "[" * 500, "9" * 5_000
    found = attributes(of_application("work", attributes={"deep": deep, "none": none, "digits": digits}))
    assert b"[too deep]" in bytes(found["deep"])
    assert (found["none"], found["digits"]) == (f"text: {none}", f"text: {digits}")


@pytest.mark.parametrize("text", ['{"a": [1, 2]}', "[" + ", ".join(["[1.0000000000000000001]"] * 500) + "]"])
def test_text_that_is_json_arrives_as_it_is(text):
    assert bytes(attributes(of_application("work", attributes={"text": text}))["text"]) == text.encode()


GROWN = '{"id": 108204268033311374519, "of": {"n": -9223372036854775809}, "in": [108204268033311374519], "f": 1.5}'
SHRUNK = '{"id":"108204268033311374519","of":{"n":"-9223372036854775809"},"in":["108204268033311374519"],"f":1.5}'


@pytest.mark.parametrize(
    ("stated", "expected"),
    [
        ({"gen_ai.output.type": "video"}, {"gen_ai.output.type_value": "video", "gen_ai.output.type": None}),
        ({"gen_ai.output.type": "image"}, {"gen_ai.output.type": "image"}),
        ({"gen_ai.output.type.of": "x"}, {"gen_ai.output.type_value.of": "x", "gen_ai.output.type.of": None}),
        ({"weave.output.type": "video"}, {"weave.output.type_value": "video", "weave.output.type": None}),
        ({"gen_ai.request.max_tokens": -1}, {"gen_ai.request.max_tokens_value": -1, "gen_ai.request.max_tokens": None}),
        ({"gen_ai.request.max_tokens": 0}, {"gen_ai.request.max_tokens": 0}),
        ({"gen_ai.request.choice.count": 2**32}, {"gen_ai.request.choice.count_value": 2**32}),
        ({"weave.usage.input_tokens": -1}, {"weave.usage.input_tokens_value": -1}),
        ({"gen_ai.usage.output_tokens": "many"}, {"gen_ai.usage.output_tokens_value": "many"}),
        ({"gen_ai.usage.input_tokens": (1, 2)}, {"gen_ai.usage.input_tokens_value": [1, 2]}),
        ({"server.port": -1}, {"server.port_value": -1, "server.port": None}),
        ({"order": GROWN}, {"order": SHRUNK.encode()}),
        ({"order": "108204268033311374519"}, {"order": "108204268033311374519"}),
        ({"order": "[108204268033311374519]"}, {"order": b"[108204268033311374519]"}),
        ({"gen_ai.tool.call.arguments": GROWN}, {"gen_ai.tool.call.arguments": GROWN.encode()}),
    ],
)
def test_what_weave_has_no_room_for_stands_beside(shown, stated, expected):
    span = of_application("work", attributes=stated)
    found = attributes(span)
    assert {name: _written(found.get(name)) for name in expected} == expected
    assert shown(span).name == "checkout"


def _written(value):
    return bytes(value) if isinstance(value, msgspec.Raw) else value


def test_a_video_is_a_call_that_weave_can_read():
    found = attributes(of_call(operation="video"))
    assert (found.get("gen_ai.output.type"), found["gen_ai.output.type_value"]) == (None, "video")


# --- the Traces view -------------------------------------------------------------------------------------------------


def test_the_traces_view_shows_the_dollars_that_openrouter_charged(called):
    found = called(of_call())
    assert cost_shown(found) == Decimal("0.000106000000000001")
    assert found["summary"]["weave"]["costs"][PRICED]["prompt_tokens_total_cost"] == Decimal("0.0001")
    assert found["summary"]["usage"][PRICED] == {
        "requests": 1,
        "prompt_tokens": 1200,
        "completion_tokens": 80,
        "total_tokens": 1280,
        "cache_read_input_tokens": 1000,
        "cache_creation_input_tokens": 50,
    }


@pytest.mark.parametrize("model", ["gpt-4o", "openrouter/auto", "deepseek/deepseek-chat", None])
def test_a_model_that_has_a_price_at_wandb_is_named_such_that_it_has_none(called, model):
    assert cost_shown(called(of_call(response_model=model, request_model=model))) == Decimal("0.000106000000000001")


def test_a_cost_that_is_not_known_is_no_cost(called):
    found = called(of_call(cost=None, cost_source=None))
    assert cost_shown(found) is None
    assert "weave" not in found["summary"]


def test_the_traces_view_has_all_that_a_call_was(called):
    found = called(of_call(WORDS))
    assert (found["display_name"], found["trace_id"]) == ("chat openai/gpt-5-mini", a_trace()[0].trace_id)
    assert (found["thread_id"], found["parent_id"]) == ("s_7", "00f067aa0ba902b7")
    expected = {
        "user_id": "u_42",
        "session_id": "s_7",
        "trace_name": "checkout",
        "environment": "staging",
        "release": "7.1",
        "tags": {"feature": "search"},
        "team": "blue",
        "model": MODEL,
        "provider": "openrouter",
        "time_to_first_token": Decimal("0.25"),
        "cost_usd": "0.000106000000000001",
        "reasoning_tokens": 30,
        "weave": {"kind": "llm"},
        "openrouter.provider": "Azure",
    }
    assert {name: found["attributes"].get(name) for name in expected} == expected
    assert [message["role"] for message in found["inputs"]["messages"]] == ["system", "user", "assistant", "tool"]
    assert (found["inputs"]["temperature"], found["inputs"]["max_tokens"]) == (Decimal("0.2"), 256)
    assert found["inputs"]["tools"][0]["function"]["name"] == "get_weather"
    assert found["output"]["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == "get_weather"
    begun, ended = (datetime.fromisoformat(found[name]) for name in ("started_at", "ended_at"))
    assert (ended - begun).total_seconds() == 2


def test_the_traces_view_has_the_whole_trace(tmp_path):
    with weave() as (server, platform):
        settings = {"endpoint": platform.url, "api_key": KEY, "project_id": PLACE, "view": "traces"}
        assert deliver(tmp_path, a_trace(), "weave", **settings).delivered == 4
    assert server.faults == []
    root, tool, refused = (server.call(name) for name in ("checkout", "execute_tool get_weather", "second try"))
    assert (root["turn_id"], "parent_id" in root) == (root["id"], False)
    assert (root["inputs"], root["output"]) == (
        {"input": "What is the weather in Paris?"},
        {"output": "I do not know."},
    )
    assert (tool["inputs"], tool["exception"]) == ({"city": "Paris"}, "no answer")
    assert (refused["exception"], refused["summary"]["status_counts"]) == (
        "Rate limit exceeded",
        {"success": 0, "error": 1},
    )


def test_a_lost_answer_is_settled_by_asking():
    exporter, asked = made(view="traces"), [of_call(), of_application("work")]
    reply = Reply(200, JSON, b'{"calls": [{"id": "b7ad6b7169203331"}]}')
    assert exporter.found(asked, reply) == {"b7ad6b7169203331": True, "00f067aa0ba902b7": False}
    assert b"b7ad6b7169203331" in exporter.read_back(asked, NOW).body


# --- what it answers -------------------------------------------------------------------------------------------------


def partial(count: int, message: str) -> Reply:
    answer = ExportTraceServiceResponse()
    answer.partial_success.rejected_spans, answer.partial_success.error_message = count, message
    return Reply(200, PROTOBUF, answer.SerializeToString())


CARRIED = Encoded(Request(url="https://trace.wandb.ai", body=b""), ("00f067aa0ba902b7", "b7ad6b7169203331"))
NAMED = "Rejected span (name='a' trace_id='1' span_id='b7ad6b7169203331'): key conflict"
FAILED = "Extraction failed for span 00f067aa0ba902b7: ValidationError"


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        (Reply(200, PROTOBUF), Delivered()),
        (partial(0, ""), Delivered()),
        (partial(1, NAMED), Rejected({"b7ad6b7169203331": "rejected: key conflict"})),
        (partial(1, FAILED), Rejected({"00f067aa0ba902b7": "rejected: ValidationError"})),
        (
            partial(2, f"{NAMED}; {FAILED}"),
            Rejected({"b7ad6b7169203331": "rejected: key conflict", "00f067aa0ba902b7": "rejected: ValidationError"}),
        ),
        (partial(1, "key conflict"), Split("rejected: key conflict")),
        (partial(2, f"{NAMED}; ..."), Rejected(dict.fromkeys(CARRIED.span_ids, f"rejected: {NAMED}; ..."))),
        (
            partial(2, "no entity; no entity"),
            Rejected(dict.fromkeys(CARRIED.span_ids, "rejected: no entity; no entity")),
        ),
        (Reply(401, JSON, b'{"detail": "Invalid API key"}'), Unauthorized("HTTP 401: Invalid API key")),
        (Reply(429, {"retry-after": "9"}), Retry("HTTP 429", 9.0)),
        (Reply(413), Split("HTTP 413")),
    ],
)
def test_it_believes_what_weave_says_of_each_span(reply, verdict):
    assert made().judge(CARRIED, reply) == verdict


def test_the_traces_view_acknowledges_with_the_list_of_calls():
    exporter = made(view="traces")
    assert exporter.judge(CARRIED, Reply(200, JSON, b'{"res": [{}, {}]}')) == Delivered()
    assert isinstance(exporter.judge(CARRIED, Reply(200, JSON, b'{"ok": true}')), Retry)
    assert isinstance(exporter.judge(CARRIED, Reply(200)), Retry)


# --- is all well? ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view", ["agents", "traces"])
def test_the_probe_leaves_nothing_and_says_that_all_is_well(view):
    with weave() as (server, platform), closing(Wire()) as wire:
        exporter = made(endpoint=platform.url, view=view)
        assert exporter.diagnose(wire.post(exporter.probe(NOW))) is None
        wrong = made(endpoint=platform.url, view=view, api_key="wrong")
        told = wrong.diagnose(wire.post(wrong.probe(NOW)))
    assert told is not None
    assert "WANDB_API_KEY" in told
    assert (server.spans, server.calls, server.faults) == ({}, {}, [])


def test_a_call_lasts_as_long_as_it_did():
    (found,) = spans(one_request(of_call()))
    assert found["end"] - found["start"] == 2 * SECOND
