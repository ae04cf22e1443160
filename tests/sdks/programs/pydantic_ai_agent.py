"""Pydantic AI's agents on its OpenRouter model."""

import asyncio

import openai
from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, USER, WEATHER, refused, say
from pydantic import BaseModel
from pydantic_ai import Agent
from pydantic_ai.exceptions import ModelHTTPError
from pydantic_ai.models.openrouter import OpenRouterModel
from pydantic_ai.providers.openrouter import OpenRouterProvider


class Weather(BaseModel):
    """The weather of a city."""

    city: str
    rain: bool


def agent(model: str = MODEL, **more: object) -> Agent:
    """Return an agent with a client of its own, which is bound to the event loop that first uses it."""
    client = openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=1)
    asked = OpenRouterModel(model, provider=OpenRouterProvider(openai_client=client))
    return Agent(asked, model_settings={"openai_user": USER}, **more)


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Sunny in {city}."


def synchronous() -> None:
    run = agent().run_sync(HELLO)
    say("plain", run.output, run.usage)
    say("stream", agent().run_stream_sync(HELLO).get_output())
    say("structured", repr(agent(output_type=Weather).run_sync(WEATHER).output))
    with refused(ModelHTTPError):
        agent(BROKE).run_sync(HELLO)
    with refused(ModelHTTPError):
        agent(FAILING).run_sync(HELLO)


async def asynchronous() -> None:
    say("plain", (await agent().run(HELLO)).output)
    async with agent().run_stream(HELLO) as answer:
        say("stream", *[text async for text in answer.stream_text(delta=True, debounce_by=None)])
    run = await agent(tools=[get_weather]).run(WEATHER)
    say("tool", run.output, run.usage)


synchronous()
asyncio.run(asynchronous())
