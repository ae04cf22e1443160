import json

import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask, usage
from tests.testing.wire import Reply, chat

TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOLED = {"input": "What is the weather?", "tools": [TOOL]}
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def final(reply: Reply) -> dict:
    """Return the final object."""
    is_stream = reply.headers["content-type"] == "text/event-stream"
    return reply.events[-1]["response"] if is_stream else reply.json


def answered(openrouter: Simulator, stream: bool, headers: dict[str, str] | None = None, **body: object) -> dict:
    return final(ask(openrouter, "responses", headers, **({"stream": True} if stream else {}), **body))


def kinds(reply: Reply) -> list[str]:
    return [event["type"] for event in reply.events]


@STREAMS
def test_an_answer_is_one_message_with_the_words_that_chat_would_say(openrouter: Simulator, stream: bool):
    body = answered(openrouter, stream)
    (item,) = body["output"]
    assert (body["status"], body["error"], body["incomplete_details"]) == ("completed", None, None)
    assert (item["type"], item["content"][0]["text"]) == ("message", chat(openrouter).text)


@STREAMS
def test_it_names_the_generation_and_not_the_provider(openrouter: Simulator, stream: bool):
    body = answered(openrouter, stream)
    assert body["id"] == openrouter.bills[0].generation_id
    assert "provider" not in body


def test_a_streams_events_come_in_the_recorded_order_and_are_numbered(openrouter: Simulator):
    reply = ask(openrouter, "responses", {"X-Simulator-Words": "2"}, stream=True)
    assert kinds(reply) == [
        "response.created",
        "response.in_progress",
        "response.output_item.added",
        "response.content_part.added",
        "response.output_text.delta",
        "response.output_text.delta",
        "response.output_text.done",
        "response.content_part.done",
        "response.output_item.done",
        "response.completed",
    ]
    assert [event["sequence_number"] for event in reply.events] == list(range(10))
    assert reply.body.startswith(b": \n\ndata: {")
    assert reply.body.endswith(b"data: [DONE]\n\n")
    assert b"event:" not in reply.body


def test_only_the_last_event_states_the_usage(openrouter: Simulator):
    *before, last = ask(openrouter, "responses", stream=True).events
    assert not any(event.get("response", {}).get("usage") for event in before)
    assert last["response"]["usage"]["total_tokens"] > 0


def test_a_bill_is_there_when_the_last_event_is(openrouter: Simulator):
    ask(openrouter, "responses", stream=True)
    assert not openrouter.bills[0].cancelled


@STREAMS
def test_a_tool_that_the_input_names_is_called(openrouter: Simulator, stream: bool):
    body = answered(openrouter, stream, **TOOLED)
    (item,) = body["output"]
    assert (item["type"], item["name"], item["status"]) == ("function_call", "get_weather", "completed")
    assert set(json.loads(item["arguments"])) == {"city"}
    assert item["call_id"] != item["id"]


def test_streamed_arguments_join_to_those_of_the_item(openrouter: Simulator):
    events = ask(openrouter, "responses", stream=True, **TOOLED).events
    parts = [event["delta"] for event in events if event["type"] == "response.function_call_arguments.delta"]
    (done,) = [event for event in events if event["type"] == "response.function_call_arguments.done"]
    assert len(parts) > 1
    assert "".join(parts) == done["arguments"] == events[-1]["response"]["output"][0]["arguments"]


@pytest.mark.parametrize("choice", ["required", {"type": "function", "name": "get_weather"}])
def test_a_tool_that_must_be_called_is_called(openrouter: Simulator, choice: object):
    body = answered(openrouter, stream=False, tools=[TOOL], tool_choice=choice)
    assert [item["type"] for item in body["output"]] == ["function_call"]


def test_a_tools_result_is_answered_in_words(openrouter: Simulator):
    (call,) = answered(openrouter, stream=False, **TOOLED)["output"]
    result = {"type": "function_call_output", "call_id": call["call_id"], "output": "Weather: sunny"}
    question = {"role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]}
    body = answered(openrouter, stream=False, input=[question, call, result], tools=[TOOL])
    assert [item["type"] for item in body["output"]] == ["message"]


@STREAMS
def test_reasoning_is_an_item_of_its_own_before_the_message(openrouter: Simulator, stream: bool):
    body = answered(openrouter, stream, model="openai/gpt-5-mini")
    assert [item["type"] for item in body["output"]] == ["reasoning", "message"]
    assert body["output"][0]["content"][0]["text"]
    assert body["usage"]["output_tokens_details"]["reasoning_tokens"] > 0


def test_streamed_reasoning_joins_to_the_item(openrouter: Simulator):
    events = ask(openrouter, "responses", model="openai/gpt-5-mini", stream=True).events
    parts = [event["delta"] for event in events if event["type"] == "response.reasoning_text.delta"]
    assert "".join(parts) == events[-1]["response"]["output"][0]["content"][0]["text"]


@STREAMS
def test_a_limit_makes_it_incomplete(openrouter: Simulator, stream: bool):
    body = answered(openrouter, stream, max_output_tokens=3)
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "max_output_tokens"})
    assert body["usage"]["output_tokens"] == 3


@STREAMS
def test_a_filter_makes_it_incomplete(openrouter: Simulator, stream: bool):
    body = answered(openrouter, stream, {"X-Simulator-Fault": "content-filter"})
    assert (body["status"], body["incomplete_details"]) == ("incomplete", {"reason": "content_filter"})


@STREAMS
def test_a_provider_that_fails_makes_it_failed(openrouter: Simulator, stream: bool):
    body = answered(openrouter, stream, {"X-Simulator-Fault": "choice-error"})
    assert (body["status"], body["error_type"]) == ("failed", "provider_unavailable")
    assert body["error"] == {"code": "server_error", "message": "Provider disconnected"}
    assert body["output"][0]["content"][0]["text"]
    assert body["usage"]["cost"] == 0


def test_a_stream_can_end_with_an_event_that_is_an_error(openrouter: Simulator):
    reply = ask(openrouter, "responses", {"X-Simulator-Fault": "error-mid-stream"}, stream=True)
    assert kinds(reply)[-1] == "error"
    assert reply.events[-1]["message"] == "Provider disconnected"
    assert usage(reply) == {}
    assert openrouter.bills[0].cost == 0


def test_the_names_of_the_costs_are_those_of_responses(openrouter: Simulator):
    stated = ask(openrouter, "responses").json["usage"]
    details = stated["cost_details"]
    assert details["upstream_inference_input_cost"] + details["upstream_inference_output_cost"] == stated["cost"]


def test_a_repeated_input_is_read_from_the_cache(openrouter: Simulator):
    first, second = (ask(openrouter, "responses").json["usage"] for _ in range(2))
    assert first["input_tokens_details"]["cached_tokens"] == 0
    assert second["input_tokens_details"]["cached_tokens"] > 0
    assert second["cost"] < first["cost"]


def test_instructions_are_part_of_the_prompt(openrouter: Simulator):
    plain, told = ask(openrouter, "responses").json, ask(openrouter, "responses", instructions="12345678").json
    assert told["usage"]["input_tokens"] - plain["usage"]["input_tokens"] == 2 + 4
    assert told["instructions"] == "12345678"


def test_it_keeps_no_state(openrouter: Simulator):
    reply = ask(openrouter, "responses", previous_response_id="resp_1")
    assert (reply.status, openrouter.bills) == (400, ())


def test_without_usage_the_object_has_none(openrouter: Simulator):
    assert "usage" not in ask(openrouter, "responses", model="simulator/no-usage").json
