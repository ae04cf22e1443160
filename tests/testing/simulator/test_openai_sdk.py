"""OpenAI's SDK in every dialect that it supports, except chat, which `test_sdks` covers."""

import asyncio
from decimal import Decimal

import openai
import pytest

from spancast.testing import Simulator
from tests.testing.asking import ask
from tests.testing.wire import MINI, chat

KEY = "sk-or-v1-simulator"
EMBEDDING = "openai/text-embedding-3-small"
KOKORO = "hexgrad/kokoro-82m"
TOOL = {
    "type": "function",
    "name": "get_weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}


@pytest.fixture
def client(openrouter: Simulator):
    with openai.OpenAI(base_url=openrouter.base_url, api_key=KEY, max_retries=0) as client:
        yield client


def cost(usage: object) -> Decimal:
    return Decimal(str(usage.cost))


def test_a_response(client: openai.OpenAI, openrouter: Simulator):
    answer = client.responses.create(model=MINI, input="Hello", user="u_42")
    assert (answer.status, answer.output_text) == ("completed", chat(openrouter).text)
    assert (cost(answer.usage), "u_42") == (openrouter.bills[0].cost, openrouter.bills[0].user)


def test_a_streamed_response_is_put_together(client: openai.OpenAI, openrouter: Simulator):
    with client.responses.stream(model="openai/gpt-5-mini", input="Hello") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[-1] == "response.completed"
    assert final.output_text == chat(openrouter).text
    assert cost(final.usage) == openrouter.bills[0].cost


def test_a_streamed_function_call_is_put_together(client: openai.OpenAI):
    with client.responses.stream(model=MINI, input="What is the weather?", tools=[TOOL]) as stream:
        final = stream.get_final_response()
    (call,) = final.output
    assert (call.type, call.name, '"city"' in call.arguments) == ("function_call", "get_weather", True)


def test_an_asynchronous_streamed_response(openrouter: Simulator):
    async def events() -> list:
        async with openai.AsyncOpenAI(base_url=openrouter.base_url, api_key=KEY, max_retries=0) as client:
            return [event async for event in await client.responses.create(model=MINI, input="Hello", stream=True)]

    assert asyncio.run(events())[-1].response.output_text == chat(openrouter).text


def test_a_response_that_is_incomplete_or_fails_says_so(client: openai.OpenAI):
    incomplete = client.responses.create(model=MINI, input="Hello", max_output_tokens=3)
    failed = client.responses.create(model="simulator/choice-error", input="Hello")
    assert (incomplete.status, incomplete.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    assert (failed.status, failed.error.message) == ("failed", "Provider disconnected")


def test_a_response_that_fails_amid_a_stream_ends_in_its_event(client: openai.OpenAI):
    last = [
        list(client.responses.create(model=f"simulator/{fault}", input="Hello", stream=True))[-1].type
        for fault in ("choice-error", "error-mid-stream")
    ]
    assert last == ["response.failed", "error"]


def test_text_completions(client: openai.OpenAI, openrouter: Simulator):
    answer = client.completions.create(model=MINI, prompt="Hello")
    with client.completions.create(model=MINI, prompt="Hello", stream=True) as stream:
        streamed = "".join(chunk.choices[0].text for chunk in stream)
    assert answer.choices[0].text == streamed == chat(openrouter).text


def test_embeddings_which_the_sdk_asks_for_in_base64(client: openai.OpenAI, openrouter: Simulator):
    answer = client.embeddings.create(model=EMBEDDING, input=["Hello", "World"])
    plain = ask(openrouter, "embeddings").json["data"]
    assert openrouter.requests[0].json["encoding_format"] == "base64"
    assert [each.embedding for each in answer.data] == [list(map(float, row["embedding"])) for row in plain]
    assert cost(answer.usage) == openrouter.bills[0].cost


def test_speech(client: openai.OpenAI, openrouter: Simulator):
    answer = client.audio.speech.create(model=KOKORO, voice="af_bella", input="Hello")
    assert answer.read() == ask(openrouter, "speech").body
    assert answer.response.headers["x-generation-id"] == openrouter.bills[0].generation_id


def test_streamed_speech(client: openai.OpenAI, openrouter: Simulator):
    wanted = {"model": KOKORO, "voice": "af_bella", "input": "Hello"}
    with client.audio.speech.with_streaming_response.create(**wanted) as answer:
        assert b"".join(answer.iter_bytes(64)) == ask(openrouter, "speech").body


def test_a_transcription_which_the_sdk_asks_for_by_a_form(client: openai.OpenAI, openrouter: Simulator):
    answer = client.audio.transcriptions.create(model="openai/whisper-1", file=("a.mp3", b"noise" * 1000))
    assert answer.text
    assert cost(answer.usage) == openrouter.bills[0].cost


@pytest.mark.parametrize(("fault", "error"), [("402", openai.APIStatusError), ("429", openai.RateLimitError)])
def test_a_refusal_is_the_sdks_own_exception(client: openai.OpenAI, fault: str, error: type[Exception]):
    model = f"simulator/{fault}"
    with pytest.raises(error):
        client.responses.create(model=model, input="Hello")
    with pytest.raises(error):
        client.embeddings.create(model=model, input="Hello")
    with pytest.raises(error):
        client.audio.speech.create(model=model, voice="af_bella", input="Hello")
