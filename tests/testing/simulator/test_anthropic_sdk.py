"""Anthropic's SDK against the Messages dialect; the SDK appends `/v1/messages` to its base URL."""

import asyncio
import json
from collections.abc import Iterator
from decimal import Decimal

import anthropic
import pytest

from spancast.testing import Simulator
from tests.testing.wire import HELLO, chat

HAIKU = "anthropic/claude-haiku-4.5"
ASKED = {"model": HAIKU, "max_tokens": 2048, "messages": HELLO}
TOOL = {
    "name": "get_weather",
    "input_schema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
TOOLED = ASKED | {"messages": [{"role": "user", "content": "What is the weather?"}], "tools": [TOOL]}


def base(simulator: Simulator) -> str:
    return simulator.base_url.removesuffix("/v1")


@pytest.fixture
def client(openrouter: Simulator) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=base(openrouter), api_key="sk-or-v1-simulator", max_retries=0) as client:
        yield client


def test_a_plain_answer(client: anthropic.Anthropic, openrouter: Simulator):
    answer = client.messages.create(**ASKED, metadata={"user_id": "u_42"})
    assert (answer.content[0].text, answer.stop_reason) == (chat(openrouter).text, "end_turn")
    assert Decimal(str(answer.usage.cost)) == openrouter.bills[0].cost
    assert openrouter.bills[0].user == "u_42"


def test_a_token_instead_of_a_key(openrouter: Simulator):
    with anthropic.Anthropic(base_url=base(openrouter), auth_token="sk-or-v1-simulator", max_retries=0) as client:
        assert client.messages.create(**ASKED).stop_reason == "end_turn"


def test_a_stream_is_put_together(client: anthropic.Anthropic, openrouter: Simulator):
    with client.messages.stream(**ASKED) as stream:
        text = "".join(stream.text_stream)
        final = stream.get_final_message()
    assert text == final.content[0].text == chat(openrouter).text
    assert final.usage.input_tokens == openrouter.bills[0].prompt_tokens
    assert final.usage.output_tokens == openrouter.bills[0].completion_tokens


def test_a_stream_of_events(client: anthropic.Anthropic, openrouter: Simulator):
    with client.messages.create(**ASKED, stream=True) as stream:
        events = list(stream)
    (change,) = [event for event in events if event.type == "message_delta"]
    assert Decimal(str(change.usage.cost)) == openrouter.bills[0].cost
    assert events[-1].type == "message_stop"


def test_an_asynchronous_stream(openrouter: Simulator):
    async def said() -> str:
        wanted = {"base_url": base(openrouter), "api_key": "sk-or-v1-simulator", "max_retries": 0}
        async with anthropic.AsyncAnthropic(**wanted) as client, client.messages.stream(**ASKED) as stream:
            return "".join([text async for text in stream.text_stream])

    assert asyncio.run(said()) == chat(openrouter).text


def test_thinking_is_put_together(client: anthropic.Anthropic):
    with client.messages.stream(**ASKED, thinking={"type": "enabled", "budget_tokens": 1024}) as stream:
        thinking, said = stream.get_final_message().content
    assert (thinking.type, said.type) == ("thinking", "text")
    assert thinking.thinking
    assert thinking.signature


def test_a_streamed_tool_use_is_put_together(client: anthropic.Anthropic):
    with client.messages.stream(**TOOLED) as stream:
        final = stream.get_final_message()
    plain = client.messages.create(**TOOLED)
    (used,), (same,) = final.content, plain.content
    assert (used.name, json.dumps(used.input)) == ("get_weather", json.dumps(same.input))
    assert (final.stop_reason, plain.stop_reason) == ("tool_use", "tool_use")


def test_what_the_cache_gave_is_counted_apart(client: anthropic.Anthropic):
    first, second = (client.messages.create(**ASKED).usage for _ in range(2))
    assert second.cache_read_input_tokens > first.cache_read_input_tokens == 0
    assert second.input_tokens + second.cache_read_input_tokens == first.input_tokens


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("403", anthropic.PermissionDeniedError),
        ("429", anthropic.RateLimitError),
        ("500", anthropic.InternalServerError),
        ("529", anthropic.APIStatusError),
    ],
)
def test_a_refusal_is_the_sdks_own_exception(
    client: anthropic.Anthropic, fault: str, error: type[anthropic.APIStatusError], stream: bool
):
    with pytest.raises(error) as raised:
        client.messages.create(**ASKED | {"model": f"simulator/{fault}"}, stream=stream)
    assert raised.value.status_code == int(fault)


def test_an_unknown_model_is_a_bad_request(client: anthropic.Anthropic):
    with pytest.raises(anthropic.BadRequestError, match="is not a valid model ID"):
        client.messages.create(**ASKED | {"model": "no/such"})


def test_a_provider_that_fails_amid_a_stream_is_raised_amid_it(client: anthropic.Anthropic):
    seen = []
    with (
        client.messages.create(**ASKED | {"model": "simulator/error-mid-stream"}, stream=True) as stream,
        pytest.raises(anthropic.APIStatusError, match="Provider disconnected"),
    ):
        seen.extend(stream)
    assert [event.type for event in seen][-2:] == ["content_block_delta", "content_block_stop"]


def test_a_cut_answer_is_a_connection_error(client: anthropic.Anthropic):
    with pytest.raises(anthropic.APIConnectionError):
        client.messages.create(**ASKED | {"model": "simulator/cut"})


def test_the_word_that_openrouter_was_seen_to_end_a_stream_with_is_more_than_the_sdk_takes(
    client: anthropic.Anthropic,
):
    ending = {"X-Simulator-Done": "named"}
    with (
        client.messages.create(**ASKED, stream=True, extra_headers=ending) as stream,
        pytest.raises(json.JSONDecodeError),
    ):
        list(stream)
