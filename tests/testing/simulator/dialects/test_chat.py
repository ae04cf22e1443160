import json

import pytest

from spancast.testing import Simulator
from tests.testing.wire import HELLO, MINI, WEATHER, Reply, chat, post, send

WEATHER_QUESTION = [{"role": "user", "content": "What is the weather in Tokyo?"}]
HAIKU = "anthropic/claude-haiku-4.5"


def error(reply: Reply) -> tuple[int, str]:
    return reply.status, reply.json["error"]["message"]


def message(reply: Reply) -> dict:
    return reply.json["choices"][0]["message"]


def finish_reasons(reply: Reply) -> tuple[str, str]:
    choice = reply.json["choices"][0]
    return choice["finish_reason"], choice["native_finish_reason"]


def test_the_dated_slug_answers_where_the_model_has_one(openrouter: Simulator):
    assert chat(openrouter, model=HAIKU).json["model"] == "anthropic/claude-4.5-haiku-20251001"


def test_the_answer_follows_from_the_prompt_and_not_from_the_model(openrouter: Simulator):
    texts = {chat(openrouter, model=model).text for model in (MINI, HAIKU, "openai/gpt-4o")}
    assert len(texts) == 1
    other = chat(openrouter, messages=[{"role": "user", "content": "Bye"}])
    assert other.text not in texts


def test_a_stream_says_what_the_plain_answer_says(openrouter: Simulator):
    assert chat(openrouter, stream=True).text == chat(openrouter).text


def test_a_missing_key_is_answered_as_recorded(openrouter: Simulator):
    body = json.dumps({"model": MINI, "messages": HELLO}).encode()
    for authorization in ("", "Bearer", "Bearer  "):
        reply = send(openrouter, "POST", "/api/v1/chat/completions", body, {"Authorization": authorization})
        assert reply.status == 401
        assert reply.body == b'{"error":{"message":"No cookie auth credentials found","code":401}}'


def test_an_unknown_model_is_answered_as_recorded(openrouter: Simulator):
    assert error(chat(openrouter, model="no/such")) == (400, "no/such is not a valid model ID")


def test_an_unknown_fallback_is_refused_although_the_first_model_exists(openrouter: Simulator):
    assert error(chat(openrouter, models=["no/such"])) == (400, "no/such is not a valid model ID")


@pytest.mark.parametrize("messages", [None, [], "Hello"])
def test_missing_messages_are_answered_as_recorded(openrouter: Simulator, messages: object):
    assert error(chat(openrouter, messages=messages)) == (400, 'Input required: specify "prompt" or "messages"')


def test_no_model_at_all_is_refused(openrouter: Simulator):
    assert error(post(openrouter, {"messages": HELLO})) == (400, "No models provided")


def test_too_hot_a_temperature_is_answered_as_recorded(openrouter: Simulator):
    assert error(chat(openrouter, temperature=5)) == (400, "Expected temperature to be at most 2, received 5")


def test_a_limit_of_no_tokens_is_refused(openrouter: Simulator):
    assert error(chat(openrouter, max_tokens=0)) == (400, "Expected max_tokens to be at least 1, received 0")


NESTED = b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}"


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b'"text"', b"\xff", b'{"messages":"\\ud800"}', pytest.param(NESTED, id="nested too deep")],
)
def test_a_body_that_is_no_json_object_is_refused(openrouter: Simulator, body: bytes):
    reply = send(openrouter, "POST", "/api/v1/chat/completions", body)
    assert error(reply) == (400, "The request body is not valid JSON.")


def test_an_unknown_route_is_not_found(openrouter: Simulator):
    assert error(send(openrouter, "GET", "/api/v1/nothing")) == (404, "Not Found")
    assert error(send(openrouter, "DELETE", "/api/v1/models")) == (404, "Not Found")


def test_a_fallback_answers_where_the_models_before_it_fail(openrouter: Simulator):
    reply = chat(openrouter, model="simulator/503", models=["simulator/429", MINI, HAIKU])
    assert (reply.status, reply.json["model"]) == (200, MINI)


def test_the_last_failure_is_answered_where_every_model_fails(openrouter: Simulator):
    assert chat(openrouter, models=["simulator/503", "simulator/429"], model=None).status == 429


def test_missing_credits_are_no_reason_to_fall_back(openrouter: Simulator):
    assert chat(openrouter, model="simulator/402", models=[MINI]).status == 402


@pytest.mark.parametrize("router", ["openrouter/auto", "openrouter/free"])
def test_a_router_answers_with_the_model_it_picked(openrouter: Simulator, router: str):
    reply = chat(openrouter, model=router)
    assert not reply.json["model"].startswith("openrouter/")
    assert openrouter.bills[0].router == router


def test_a_free_variant_states_a_cost_of_zero_and_keeps_its_suffix(openrouter: Simulator):
    reply = chat(openrouter, model=f"{MINI}:free")
    assert reply.json["model"] == f"{MINI}:free"
    assert b'"cost":0,' in reply.body


def test_other_variants_cost_the_same_as_the_model(openrouter: Simulator):
    costs = [chat(openrouter, model=f"openai/gpt-oss-120b{suffix}").json["usage"]["cost"] for suffix in ("", ":nitro")]
    assert costs[0] == costs[1]


def test_a_variant_that_does_not_exist_is_no_model(openrouter: Simulator):
    assert chat(openrouter, model=f"{MINI}:best").status == 400


def test_a_prompts_tokens_are_its_characters_by_four_and_four_a_message(openrouter: Simulator):
    messages = [{"role": "system", "content": "12345678"}, {"role": "user", "content": "123456789"}]
    assert chat(openrouter, messages=messages).json["usage"]["prompt_tokens"] == (2 + 4) + (3 + 4)


def test_parts_of_a_message_are_counted_one_by_one(openrouter: Simulator):
    parts = [{"type": "text", "text": "1234"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA"}}]
    messages = [{"role": "user", "content": parts}]
    assert chat(openrouter, messages=messages).json["usage"]["prompt_tokens"] == 1 + 256 + 4


def test_an_answers_tokens_are_its_characters_by_four(openrouter: Simulator):
    reply = chat(openrouter)
    assert reply.json["usage"]["completion_tokens"] == -(-len(reply.text) // 4)


@pytest.mark.parametrize("limit", ["max_tokens", "max_completion_tokens"])
def test_a_limit_cuts_the_answer_to_as_many_tokens(openrouter: Simulator, limit: str):
    reply = chat(openrouter, **{limit: 5})
    assert reply.json["usage"]["completion_tokens"] == 5
    assert finish_reasons(reply) == ("length", "length")
    assert chat(openrouter).text.startswith(reply.text)


def test_a_limit_that_is_not_reached_changes_nothing(openrouter: Simulator):
    assert finish_reasons(chat(openrouter, max_tokens=1000)) == ("stop", "stop")


def test_native_finish_reasons_are_the_providers_own(openrouter: Simulator):
    assert finish_reasons(chat(openrouter, model=HAIKU)) == ("stop", "end_turn")
    assert finish_reasons(chat(openrouter, model="google/gemini-2.5-flash", max_tokens=2)) == ("length", "MAX_TOKENS")


def test_a_model_that_always_reasons_counts_its_reasoning_within_the_completion(openrouter: Simulator):
    reply = chat(openrouter, model="openai/gpt-5-mini")
    usage = reply.json["usage"]
    reasoning = usage["completion_tokens_details"]["reasoning_tokens"]
    assert reasoning == -(-len(message(reply)["reasoning"]) // 4)
    assert usage["completion_tokens"] == reasoning - (-len(reply.text) // 4)


def test_reasoning_is_streamed_before_the_answer(openrouter: Simulator):
    deltas = [event["choices"][0]["delta"] for event in chat(openrouter, model="openai/gpt-5-mini", stream=True).events]
    kinds = ["reasoning" if delta.get("reasoning") else "content" for delta in deltas]
    assert kinds == sorted(kinds, reverse=True)
    assert len(set(kinds)) == 2


def test_more_effort_is_more_reasoning(openrouter: Simulator):
    low, high = (
        message(chat(openrouter, model=HAIKU, reasoning={"effort": effort}))["reasoning"] for effort in ("low", "high")
    )
    assert len(low) < len(high)


@pytest.mark.parametrize("asked", [{}, {"reasoning": {"effort": "none"}}, {"reasoning": {"enabled": False}}])
def test_a_model_that_reasons_when_asked_does_not_otherwise(openrouter: Simulator, asked: dict):
    assert message(chat(openrouter, model=HAIKU, **asked))["reasoning"] is None


def test_excluded_reasoning_is_counted_and_not_shown(openrouter: Simulator):
    reply = chat(openrouter, model=HAIKU, reasoning={"effort": "low", "exclude": True})
    assert message(reply)["reasoning"] is None
    assert reply.json["usage"]["completion_tokens_details"]["reasoning_tokens"] > 0


def test_a_tool_that_the_last_message_names_is_called_with_arguments_that_fit(openrouter: Simulator):
    reply = chat(openrouter, messages=WEATHER_QUESTION, tools=[WEATHER])
    (call,) = message(reply)["tool_calls"]
    arguments = json.loads(call["function"]["arguments"])
    assert (call["function"]["name"], arguments["unit"], type(arguments["city"])) == ("get_weather", "celsius", str)
    assert message(reply)["content"] is None
    assert finish_reasons(reply) == ("tool_calls", "tool_calls")


def test_streamed_arguments_join_to_those_of_the_plain_answer(openrouter: Simulator):
    asked = {"messages": WEATHER_QUESTION, "tools": [WEATHER]}
    events = chat(openrouter, stream=True, **asked).events
    parts = [call for event in events for call in event["choices"][0]["delta"].get("tool_calls", [])]
    (plain,) = message(chat(openrouter, **asked))["tool_calls"]
    assert len(parts) > 2
    assert "".join(part["function"]["arguments"] for part in parts) == plain["function"]["arguments"]


def test_a_tool_that_nobody_asks_for_is_not_called(openrouter: Simulator):
    assert "tool_calls" not in message(chat(openrouter, tools=[WEATHER]))


def test_a_tools_result_is_answered_in_words(openrouter: Simulator):
    messages = [*WEATHER_QUESTION, {"role": "tool", "tool_call_id": "call_1", "content": "Weather: sunny"}]
    assert finish_reasons(chat(openrouter, messages=messages, tools=[WEATHER])) == ("stop", "stop")


@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "get_weather"}}])
def test_a_tool_that_must_be_called_is_called(openrouter: Simulator, choice: object):
    assert len(message(chat(openrouter, tools=[WEATHER], tool_choice=choice))["tool_calls"]) == 1


def test_no_tool_is_called_where_none_may_be(openrouter: Simulator):
    assert "tool_calls" not in message(chat(openrouter, messages=WEATHER_QUESTION, tools=[WEATHER], tool_choice="none"))


@pytest.mark.parametrize(("parallel", "calls"), [(True, 2), (False, 1)])
def test_tools_are_called_together_unless_that_is_forbidden(openrouter: Simulator, parallel: bool, calls: int):
    time_tool = {"type": "function", "function": {"name": "local_time", "parameters": {"type": "object"}}}
    asked = [{"role": "user", "content": "Weather and local_time, please"}]
    reply = chat(openrouter, messages=asked, tools=[WEATHER, time_tool], parallel_tool_calls=parallel)
    assert len(message(reply)["tool_calls"]) == calls


def test_server_tools_are_not_the_clients_to_call(openrouter: Simulator):
    reply = chat(openrouter, tools=[{"type": "openrouter:web_search"}], tool_choice="required")
    assert finish_reasons(reply) == ("stop", "stop")
