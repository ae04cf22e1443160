"""Each SDK gives the same results and the same exceptions hooked as bare, and each call is booked to the dollar.

Two simulators with the same seed answer the same requests the same, to the byte: one serves the bare run, one the
hooked run.
"""

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import openai
import openrouter as openrouter_sdk
import pytest

from spancast.testing import Simulator
from tests.support.watching import watching

KEY = "sk-or-v1-simulator"
MODELS = ("openai/gpt-4o-mini", "anthropic/claude-haiku-4.5", "deepseek/deepseek-r1-0528")
FAULTS = (
    "simulator/402",
    "simulator/429",
    "simulator/500",
    "simulator/502-in-200",
    "simulator/error-mid-stream",
    "simulator/choice-error",
    "simulator/cut",
    "simulator/garbage",
    "simulator/empty",
    "simulator/no-usage",
    "simulator/byok",
    "nobody/none",
)
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "get_weather",
            "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
        },
    }
]


def request(model: str, *, tools: bool = False) -> dict[str, Any]:
    text = "Use get_weather." if tools else "Hello to you."
    wanted: dict[str, Any] = {"model": model, "messages": [{"role": "user", "content": text}], "user": "u_1"}
    return {**wanted, "tools": TOOLS} if tools else wanted


def openai_sync(base_url: str, wanted: dict[str, Any], *, stream: bool) -> list[Any]:
    with openai.OpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        answer = client.chat.completions.create(**wanted, stream=stream)
        return [chunk.model_dump() for chunk in answer] if stream else [answer.model_dump()]


async def openai_async(base_url: str, wanted: dict[str, Any], *, stream: bool) -> list[Any]:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0) as client:
        answer = await client.chat.completions.create(**wanted, stream=stream)
        return [chunk.model_dump() async for chunk in answer] if stream else [answer.model_dump()]


def openrouter_sync(base_url: str, wanted: dict[str, Any], *, stream: bool) -> list[Any]:
    with openrouter_sdk.OpenRouter(api_key=KEY, server_url=base_url, retry_config=None) as client:
        answer = client.chat.send(**wanted, stream=stream)
        if not stream:
            return [answer.model_dump()]
        with answer:
            return [chunk.model_dump() for chunk in answer]


async def openrouter_async(base_url: str, wanted: dict[str, Any], *, stream: bool) -> list[Any]:
    async with openrouter_sdk.OpenRouter(api_key=KEY, server_url=base_url, retry_config=None) as client:
        answer = await client.chat.send_async(**wanted, stream=stream)
        if not stream:
            return [answer.model_dump()]
        async with answer:
            return [chunk.model_dump() async for chunk in answer]


def awaited(ask: Callable[..., Awaitable[list[Any]]]) -> Callable[..., list[Any]]:
    async def whole(*args: Any, **kwargs: Any) -> list[Any]:
        return await ask(*args, **kwargs)

    return lambda *args, **kwargs: asyncio.run(whole(*args, **kwargs))


SDKS: dict[str, Callable[..., list[Any]]] = {
    "openai": openai_sync,
    "openai-async": awaited(openai_async),
    "openrouter": openrouter_sync,
    "openrouter-async": awaited(openrouter_async),
}


def outcome(ask: Callable[..., list[Any]], simulator: Simulator, wanted: dict[str, Any], *, stream: bool) -> Any:
    """Return what the application gets: the answer, or the exception's type and message."""
    try:
        return ask(simulator.base_url, wanted, stream=stream)
    except Exception as error:  # noqa: BLE001 - whatever it is, it must be the same
        return type(error), str(error).replace(simulator.base_url, ""), type(error.__cause__)
    finally:
        gc.collect()


@pytest.fixture(scope="module", autouse=True)
def _loaded() -> None:
    """Have the SDKs load what they load late, so that no garbage collection looks at it for each of their calls."""
    with Simulator(seed=5) as simulator:
        for ask in SDKS.values():
            for stream in (False, True):
                outcome(ask, simulator, request(MODELS[0]), stream=stream)
    gc.freeze()


@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
def test_answers_are_the_same_and_booked_as_billed(sdk: str, stream: bool) -> None:
    wanted = [*map(request, MODELS), request("openai/gpt-4o-mini", tools=True), request("openrouter/auto")]
    with Simulator(seed=5) as simulator:
        bare = [outcome(SDKS[sdk], simulator, each, stream=stream) for each in wanted]

    with Simulator(seed=5) as simulator, watching(simulator.address) as seen:
        hooked = [outcome(SDKS[sdk], simulator, each, stream=stream) for each in wanted]

    assert hooked == bare
    assert all(isinstance(each, list) for each in bare)
    assert [(call.generation_id, call.cost, call.user, call.outcome) for call in seen] == [
        (bill.generation_id, bill.cost, "u_1", "completed") for bill in simulator.bills
    ]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("stream", [False, True], ids=["plain", "stream"])
@pytest.mark.parametrize("sdk", SDKS)
def test_failures_are_the_same_and_booked_once(sdk: str, stream: bool, fault: str) -> None:
    with Simulator(seed=5) as simulator:
        bare = outcome(SDKS[sdk], simulator, request(fault), stream=stream)

    with Simulator(seed=5) as simulator, watching(simulator.address) as seen:
        hooked = outcome(SDKS[sdk], simulator, request(fault), stream=stream)

    assert hooked == bare
    succeeds = fault in ("simulator/no-usage", "simulator/byok")
    assert (seen.only.outcome == "completed") is succeeds
    assert (seen.only.error_type is None) is succeeds
    assert {bill.generation_id for bill in simulator.bills} <= {seen.only.generation_id}
