import json
from decimal import Decimal

import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask
from tests.testing.wire import Reply, chat, send

HAIKU = "anthropic/claude-haiku-4.5"
TOOL = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
QUESTION = {"role": "user", "content": "What is the weather?"}
TOOLED = {"messages": [QUESTION], "tools": [TOOL]}
THINKING = {"model": HAIKU, "thinking": {"type": "enabled", "budget_tokens": 1024}}
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def names(reply: Reply) -> list[str]:
    """Return the names of a stream's events."""
    return [line.removeprefix("event: ") for line in reply.body.decode().splitlines() if line.startswith("event: ")]


def deltas(reply: Reply, kind: str, member: str) -> str:
    found = [event["delta"] for event in reply.events if event["type"] == "content_block_delta"]
    return "".join(delta[member] for delta in found if delta["type"] == kind)


def stated(reply: Reply) -> dict:
    """Return the final usage: in a stream, that of `message_delta`."""
    if reply.headers["content-type"] != "text/event-stream":
        return reply.json["usage"]
    (change,) = [event for event in reply.events if event["type"] == "message_delta"]
    return change["usage"]


def marked(ttl: str) -> dict:
    control = {"type": "ephemeral", "ttl": ttl}
    text = {"type": "text", "text": "Hello" * 40, "cache_control": control}
    return {"model": HAIKU, "messages": [{"role": "user", "content": [text]}]}


def test_an_answer_is_a_message_with_the_words_that_chat_would_say(openrouter: Simulator):
    body = ask(openrouter, "message").json
    assert (body["type"], body["role"], body["stop_reason"]) == ("message", "assistant", "end_turn")
    assert [block["text"] for block in body["content"]] == [chat(openrouter).text]
    assert body["provider"] == "OpenAI"


def test_a_streams_events_are_named_as_anthropic_names_them(openrouter: Simulator):
    reply = ask(openrouter, "message", {"X-Simulator-Words": "2"}, stream=True)
    assert names(reply) == [event["type"] for event in reply.events]
    assert names(reply) == [
        "message_start",
        "ping",
        "content_block_start",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ]
    assert b"[DONE]" not in reply.body


def test_a_stream_can_end_with_the_word_that_openrouter_was_seen_to_end_it_with(openrouter: Simulator):
    reply = ask(openrouter, "message", {"X-Simulator-Done": "named"}, stream=True)
    assert reply.body.endswith(b'{"type":"message_stop"}\n\nevent: data\ndata: [DONE]\n\n')


def test_a_stream_says_what_the_plain_answer_says(openrouter: Simulator):
    streamed = deltas(ask(openrouter, "message", stream=True), "text_delta", "text")
    assert streamed == ask(openrouter, "message").json["content"][0]["text"]


def test_a_stream_begins_with_no_tokens_and_ends_with_all_of_them(openrouter: Simulator):
    reply = ask(openrouter, "message", stream=True)
    begun = reply.events[0]["message"]["usage"]
    assert (begun["input_tokens"], begun["output_tokens"], "cost" in begun) == (0, 0, False)
    assert stated(reply)["cost"] == openrouter.bills[0].cost


def test_the_key_may_come_as_anthropics_clients_send_it(openrouter: Simulator):
    body = json.dumps({"model": HAIKU, "messages": [QUESTION]}).encode()
    reply = send(openrouter, "POST", "/api/v1/messages", body, {"Authorization": "", "X-Api-Key": "sk-or-v1-simulator"})
    assert reply.status == 200
    assert "x-api-key" not in openrouter.requests[0].headers


@STREAMS
def test_input_tokens_are_without_what_the_cache_gave(openrouter: Simulator, stream: bool):
    first, second = (stated(ask(openrouter, "message", model=HAIKU, stream=stream)) for _ in range(2))
    assert first["cache_read_input_tokens"] == 0
    assert second["cache_read_input_tokens"] > 0
    assert second["input_tokens"] + second["cache_read_input_tokens"] == first["input_tokens"]
    assert openrouter.bills[1].prompt_tokens == first["input_tokens"]


@pytest.mark.parametrize(("ttl", "price"), [("5m", "0.00000125"), ("1h", "0.000002")])
def test_a_marked_prompt_is_written_to_the_cache_for_as_long_as_it_says(openrouter: Simulator, ttl: str, price: str):
    first, second = (stated(ask(openrouter, "message", **marked(ttl))) for _ in range(2))
    written = first["cache_creation_input_tokens"]
    assert written == second["cache_read_input_tokens"] > 0
    assert first["cache_creation"] == {
        "ephemeral_5m_input_tokens": written if ttl == "5m" else 0,
        "ephemeral_1h_input_tokens": written if ttl == "1h" else 0,
    }
    assert first["cost"] - second["cost"] == written * (Decimal(price) - Decimal("0.0000001"))


@STREAMS
def test_a_tool_that_the_last_message_names_is_used(openrouter: Simulator, stream: bool):
    reply = ask(openrouter, "message", stream=stream, **TOOLED)
    if stream:
        (start,) = [event["content_block"] for event in reply.events if event["type"] == "content_block_start"]
        used = start | {"input": json.loads(deltas(reply, "input_json_delta", "partial_json"))}
        reason = [event["delta"]["stop_reason"] for event in reply.events if event["type"] == "message_delta"]
    else:
        (used,), reason = reply.json["content"], [reply.json["stop_reason"]]
    assert (used["type"], used["name"], set(used["input"])) == ("tool_use", "get_weather", {"city"})
    assert reason == ["tool_use"]


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}])
def test_a_tool_that_must_be_used_is_used(openrouter: Simulator, choice: dict):
    assert ask(openrouter, "message", tools=[TOOL], tool_choice=choice).json["stop_reason"] == "tool_use"


def test_a_tools_result_is_answered_in_words(openrouter: Simulator):
    (used,) = ask(openrouter, "message", **TOOLED).json["content"]
    result = {"type": "tool_result", "tool_use_id": used["id"], "content": "Weather: sunny"}
    conversation = [QUESTION, {"role": "assistant", "content": [used]}, {"role": "user", "content": [result]}]
    body = ask(openrouter, "message", messages=conversation, tools=[TOOL]).json
    assert [block["type"] for block in body["content"]] == ["text"]


@STREAMS
def test_thinking_is_a_block_of_its_own_before_the_words(openrouter: Simulator, stream: bool):
    reply = ask(openrouter, "message", stream=stream, **THINKING)
    if stream:
        kinds = [event["content_block"]["type"] for event in reply.events if event["type"] == "content_block_start"]
        thought, signed = deltas(reply, "thinking_delta", "thinking"), deltas(reply, "signature_delta", "signature")
    else:
        kinds = [block["type"] for block in reply.json["content"]]
        thought, signed = (reply.json["content"][0][name] for name in ("thinking", "signature"))
    assert kinds == ["thinking", "text"]
    assert thought
    assert signed
    assert stated(reply)["output_tokens_details"]["thinking_tokens"] == -(-len(thought) // 4)


def test_the_system_prompt_is_part_of_the_prompt(openrouter: Simulator):
    for system in ({}, {"system": "12345678"}, {"system": [{"type": "text", "text": "12345678"}]}):
        ask(openrouter, "message", **system)
    plain, *told = (bill.prompt_tokens for bill in openrouter.bills)
    assert told == [plain + 2 + 4] * 2


def test_a_limit_is_the_stop_reason(openrouter: Simulator):
    body = ask(openrouter, "message", max_tokens=3).json
    assert (body["stop_reason"], body["usage"]["output_tokens"]) == ("max_tokens", 3)


def test_a_filter_is_a_refusal(openrouter: Simulator):
    body = ask(openrouter, "message", {"X-Simulator-Fault": "content-filter"}).json
    assert (body["stop_reason"], body["stop_details"]["type"]) == ("refusal", "refusal")


def test_the_user_is_read_from_anthropics_own_field(openrouter: Simulator):
    ask(openrouter, "message", metadata={"user_id": "u_42"})
    assert openrouter.bills[0].user == "u_42"


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("402", "billing_error"), ("429", "rate_limit_error"), ("502", "api_error"), ("529", "overloaded_error")],
)
def test_a_refusal_has_anthropics_form(openrouter: Simulator, fault: str, kind: str):
    body = ask(openrouter, "message", model=f"simulator/{fault}").json
    assert (body["type"], body["error"]["type"]) == ("error", kind)
    assert body["error"]["error_type"]
    assert "code" not in body["error"]


def test_a_missing_key_is_refused_in_anthropics_form(openrouter: Simulator):
    reply = send(openrouter, "POST", "/api/v1/messages", b"{}", {"Authorization": ""})
    assert (reply.status, reply.json["error"]["type"]) == (401, "authentication_error")


@pytest.mark.parametrize("fault", ["error-mid-stream", "choice-error"])
def test_a_provider_that_fails_amid_a_stream_is_an_event(openrouter: Simulator, fault: str):
    reply = ask(openrouter, "message", model=f"simulator/{fault}", stream=True)
    assert names(reply)[-1] == "error"
    assert reply.events[-1]["error"]["type"] == "api_error"
    assert deltas(reply, "text_delta", "text")
    assert openrouter.bills[0].cost == 0


def test_a_provider_that_fails_a_plain_answer_is_an_error_in_a_success(openrouter: Simulator):
    reply = ask(openrouter, "message", model="simulator/error-mid-stream")
    assert (reply.status, reply.json["type"]) == (200, "error")
    assert (openrouter.bills[0].cost, openrouter.bills[0].completion_tokens > 0) == (0, True)
