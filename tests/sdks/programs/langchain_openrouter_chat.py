"""langchain-openrouter's `ChatOpenRouter`, which asks OpenRouter's own SDK."""

import asyncio

from asking import BASE_URL, BROKE, HELLO, KEY, MODEL, TOOL, USER, WEATHER, refused, say
from langchain_core.messages import BaseMessage
from langchain_openrouter import ChatOpenRouter
from openrouter import errors


def shown(message: BaseMessage) -> str:
    return f"{message.content} {message.usage_metadata} {message.response_metadata}"


def synchronous(model: ChatOpenRouter) -> None:
    say("plain", shown(model.invoke(HELLO)))
    say("stream", *map(shown, model.stream(HELLO)))
    (called,) = model.bind_tools([TOOL]).invoke(WEATHER).tool_calls
    say("tool", called["name"], called["args"])
    say("batch", *map(shown, model.batch([HELLO, WEATHER], {"max_concurrency": 1})))
    with refused(errors.PaymentRequiredResponseError):
        model.model_copy(update={"model_name": BROKE}).invoke(HELLO)


async def asynchronous(model: ChatOpenRouter) -> None:
    say("plain", shown(await model.ainvoke(HELLO)))
    say("stream", *[shown(chunk) async for chunk in model.astream(HELLO)])
    (called,) = (await model.bind_tools([TOOL]).ainvoke(WEATHER)).tool_calls
    say("tool", called["name"], called["args"])


OPTIONS = {"base_url": BASE_URL, "api_key": KEY, "max_retries": 0, "model_kwargs": {"user": USER}}
synchronous(ChatOpenRouter(model=MODEL, **OPTIONS))
asyncio.run(asynchronous(ChatOpenRouter(model=MODEL, **OPTIONS)))
