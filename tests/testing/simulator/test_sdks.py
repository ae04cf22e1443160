"""The official SDKs against the simulator, as an application uses them."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal

import openai
import openrouter as openrouter_sdk
import pytest
from openrouter import errors
from openrouter.utils.retries import BackoffStrategy, RetryConfig

from spancast.testing import Simulator
from tests.testing.wire import HELLO, MINI, WEATHER, chat

KEY = "sk-or-v1-simulator"
NO_RETRIES = RetryConfig("none", BackoffStrategy(1, 1, 1, 1), retry_connection_errors=False)
WEATHER_QUESTION = [{"role": "user", "content": "What is the weather?"}]
ASKED = {"model": MINI, "messages": HELLO}
ASKED_FOR_TOOL = {"model": MINI, "messages": WEATHER_QUESTION, "tools": [WEATHER]}


@contextmanager
def openai_client(simulator: Simulator) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=simulator.base_url, api_key=KEY, max_retries=0) as client:
        yield client


@asynccontextmanager
async def async_openai_client(simulator: Simulator) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=simulator.base_url, api_key=KEY, max_retries=0) as client:
        yield client


def openrouter_client(simulator: Simulator) -> openrouter_sdk.OpenRouter:
    return openrouter_sdk.OpenRouter(api_key=KEY, server_url=simulator.base_url, retry_config=NO_RETRIES)


def joined(chunks: list) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in chunks)


class TestOpenAI:
    def test_a_plain_answer(self, openrouter: Simulator):
        with openai_client(openrouter) as client:
            answer = client.chat.completions.create(**ASKED, user="u_42")
        assert answer.choices[0].message.content == chat(openrouter).text
        assert Decimal(str(answer.usage.cost)) == openrouter.bills[0].cost
        assert openrouter.bills[0].user == "u_42"

    def test_a_stream(self, openrouter: Simulator):
        with openai_client(openrouter) as client, client.chat.completions.create(**ASKED, stream=True) as stream:
            chunks = list(stream)
        assert joined(chunks) == chat(openrouter).text
        assert Decimal(str(chunks[-1].usage.cost)) == openrouter.bills[0].cost

    def test_an_asynchronous_answer(self, openrouter: Simulator):
        async def ask() -> str:
            async with async_openai_client(openrouter) as client:
                answer = await client.chat.completions.create(**ASKED)
            return answer.choices[0].message.content

        assert asyncio.run(ask()) == chat(openrouter).text

    def test_an_asynchronous_stream(self, openrouter: Simulator):
        async def ask() -> list:
            async with (
                async_openai_client(openrouter) as client,
                await client.chat.completions.create(**ASKED, stream=True) as stream,
            ):
                return [chunk async for chunk in stream]

        assert joined(asyncio.run(ask())) == chat(openrouter).text

    def test_a_tool_call(self, openrouter: Simulator):
        with openai_client(openrouter) as client:
            answer = client.chat.completions.create(**ASKED_FOR_TOOL)
        (call,) = answer.choices[0].message.tool_calls
        assert answer.choices[0].finish_reason == "tool_calls"
        assert call.function.name == "get_weather"

    def test_the_streaming_helper_puts_a_tool_call_together(self, openrouter: Simulator):
        with openai_client(openrouter) as client:
            with client.chat.completions.stream(**ASKED_FOR_TOOL) as stream:
                final = stream.get_final_completion()
            plain = client.chat.completions.create(**ASKED_FOR_TOOL)
        (streamed_call,), (plain_call,) = (answer.choices[0].message.tool_calls for answer in (final, plain))
        assert json.loads(streamed_call.function.arguments) == json.loads(plain_call.function.arguments)

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ("403", openai.PermissionDeniedError),
            ("429", openai.RateLimitError),
            ("500", openai.InternalServerError),
            ("503", openai.InternalServerError),
        ],
    )
    def test_a_refusal_is_the_sdks_own_exception(
        self, openrouter: Simulator, fault: str, error: type[openai.APIStatusError]
    ):
        with openai_client(openrouter) as client, pytest.raises(error) as raised:
            client.chat.completions.create(model=f"simulator/{fault}", messages=HELLO)
        assert raised.value.status_code == int(fault)

    def test_missing_credits_are_a_status_error(self, openrouter: Simulator):
        with openai_client(openrouter) as client, pytest.raises(openai.APIStatusError, match="more credits"):
            client.chat.completions.create(model="simulator/402", messages=HELLO)

    def test_an_unknown_model_is_a_bad_request(self, openrouter: Simulator):
        with (
            openai_client(openrouter) as client,
            pytest.raises(openai.BadRequestError, match="is not a valid model ID"),
        ):
            client.chat.completions.create(model="no/such", messages=HELLO)

    def test_an_error_amid_a_stream_is_raised_amid_it(self, openrouter: Simulator):
        with openai_client(openrouter) as client:
            stream = client.chat.completions.create(model="simulator/error-mid-stream", messages=HELLO, stream=True)
            with stream, pytest.raises(openai.APIError, match="Provider disconnected"):
                list(stream)

    def test_a_cut_answer_is_a_connection_error(self, openrouter: Simulator):
        with openai_client(openrouter) as client, pytest.raises(openai.APIConnectionError):
            client.chat.completions.create(model="simulator/cut", messages=HELLO)

    def test_a_slow_answer_is_a_timeout(self, openrouter: Simulator):
        impatient = {"timeout": 0.1, "extra_headers": {"X-Simulator-Delay": "5"}}
        with openai_client(openrouter) as client, pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(model="simulator/slow", messages=HELLO, **impatient)

    def test_it_tries_again_where_it_is_told_when(self, openrouter: Simulator):
        with (
            openai.OpenAI(base_url=openrouter.base_url, api_key=KEY, max_retries=1) as client,
            pytest.raises(openai.RateLimitError),
        ):
            client.chat.completions.create(model="simulator/429", messages=HELLO)
        assert len(openrouter.requests) == 2

    @pytest.mark.parametrize("chunks", ["whole", "3"])
    def test_a_stream_is_the_same_however_the_network_cuts_it(self, openrouter: Simulator, chunks: str):
        headers = {"X-Simulator-Chunks": chunks, "X-Simulator-Encoding": "gzip"}
        with (
            openai_client(openrouter) as client,
            client.chat.completions.create(**ASKED, stream=True, extra_headers=headers) as stream,
        ):
            assert joined(list(stream)) == chat(openrouter).text

    def test_the_models(self, openrouter: Simulator):
        with openai_client(openrouter) as client:
            assert MINI in {model.id for model in client.models.list()}


class TestOpenRouter:
    def test_a_plain_answer(self, openrouter: Simulator):
        with openrouter_client(openrouter) as client:
            answer = client.chat.send(**ASKED, user="u_42", session_id="s_7")
        assert answer.choices[0].message.content == chat(openrouter).text
        assert Decimal(str(answer.usage.cost)) == openrouter.bills[0].cost
        assert (openrouter.bills[0].user, openrouter.bills[0].session_id) == ("u_42", "s_7")

    def test_a_stream(self, openrouter: Simulator):
        with openrouter_client(openrouter) as client, client.chat.send(**ASKED, stream=True) as stream:
            chunks = list(stream)
        assert joined(chunks) == chat(openrouter).text
        assert Decimal(str(chunks[-1].usage.cost)) == openrouter.bills[0].cost

    def test_an_asynchronous_answer(self, openrouter: Simulator):
        async def ask() -> str:
            async with openrouter_client(openrouter) as client:
                answer = await client.chat.send_async(**ASKED)
            return answer.choices[0].message.content

        assert asyncio.run(ask()) == chat(openrouter).text

    def test_an_asynchronous_stream(self, openrouter: Simulator):
        async def ask() -> list:
            async with (
                openrouter_client(openrouter) as client,
                await client.chat.send_async(**ASKED, stream=True) as stream,
            ):
                return [chunk async for chunk in stream]

        assert joined(asyncio.run(ask())) == chat(openrouter).text

    def test_a_tool_call(self, openrouter: Simulator):
        with openrouter_client(openrouter) as client:
            answer = client.chat.send(**ASKED_FOR_TOOL)
        (call,) = answer.choices[0].message.tool_calls
        assert call.function.name == "get_weather"

    def test_reasoning(self, openrouter: Simulator):
        with openrouter_client(openrouter) as client:
            answer = client.chat.send(model="openai/gpt-5-mini", messages=HELLO)
        assert answer.choices[0].message.reasoning
        assert answer.usage.completion_tokens_details.reasoning_tokens > 0

    @pytest.mark.parametrize(
        ("fault", "error"),
        [
            ("402", errors.PaymentRequiredResponseError),
            ("429", errors.TooManyRequestsResponseError),
            ("500", errors.InternalServerResponseError),
            ("502", errors.BadGatewayResponseError),
            ("503", errors.ServiceUnavailableResponseError),
            ("529", errors.ProviderOverloadedResponseError),
        ],
    )
    def test_a_refusal_is_the_sdks_own_exception(self, openrouter: Simulator, fault: str, error: type[Exception]):
        with openrouter_client(openrouter) as client, pytest.raises(error):
            client.chat.send(model=f"simulator/{fault}", messages=HELLO)

    def test_a_key_that_is_missing_is_the_sdks_own_exception(
        self, openrouter: Simulator, monkeypatch: pytest.MonkeyPatch
    ):
        monkeypatch.delenv("OPENROUTER_API_KEY", raising=False)
        with (
            openrouter_sdk.OpenRouter(server_url=openrouter.base_url, retry_config=NO_RETRIES) as client,
            pytest.raises(errors.UnauthorizedResponseError),
        ):
            client.chat.send(**ASKED)

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # the SDK's own, about a field it parses
    def test_the_accounting(self, openrouter: Simulator):
        with openrouter_client(openrouter) as client:
            answer = client.chat.send(**ASKED)
            with pytest.raises(errors.NotFoundResponseError):
                client.generations.get_generation(id=answer.id)
            found = client.generations.get_generation(id=answer.id)
            key = client.api_keys.get_current_key_metadata()
            models = client.models.list()
        assert Decimal(str(found.data.total_cost)) == Decimal(str(key.data.usage)) == openrouter.usage
        assert MINI in {model.id for model in models.result.data}
