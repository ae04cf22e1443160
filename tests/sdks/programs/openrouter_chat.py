"""OpenRouter's own SDK, 0.x and 1.x: chat completions."""

import asyncio

from asking import BASE_URL, BROKE, FAILING, KEY, MODEL, SAID, SLOWLY, TOOL, USER, WEATHER, refused, say
from openrouter import OpenRouter, errors
from openrouter.utils.retries import BackoffStrategy, RetryConfig

ASKED = {"model": MODEL, "messages": SAID, "user": USER}
ASKED_FOR_TOOL = {**ASKED, "messages": [{"role": "user", "content": WEATHER}], "tools": [TOOL]}
TWICE = RetryConfig("backoff", BackoffStrategy(2000, 2000, 1.0, 1900), retry_connection_errors=False)
"""The second try begins when there is no time for a third."""


def client() -> OpenRouter:
    return OpenRouter(api_key=KEY, server_url=BASE_URL, retry_config=None)


def synchronous(api: OpenRouter) -> None:
    say("plain", api.chat.send(**ASKED).model_dump_json())
    with api.chat.send(**ASKED, stream=True) as stream:
        say("stream", *(chunk.model_dump_json() for chunk in stream))
    (called,) = api.chat.send(**ASKED_FOR_TOOL).choices[0].message.tool_calls
    say("tool", called.function.name, called.function.arguments)
    answer = api.chat.send(**ASKED, session_id="s_request", stream=False)
    say("session", answer.id)
    with refused(errors.PaymentRequiredResponseError):
        api.chat.send(**ASKED | {"model": BROKE})
    with refused(errors.PaymentRequiredResponseError):
        api.chat.send(**ASKED | {"model": BROKE}, stream=True)


async def asynchronous() -> None:
    async with client() as api:
        say("plain", (await api.chat.send_async(**ASKED)).model_dump_json())
        async with await api.chat.send_async(**ASKED, stream=True) as stream:
            say("stream", *[chunk.model_dump_json() async for chunk in stream])
        (called,) = (await api.chat.send_async(**ASKED_FOR_TOOL)).choices[0].message.tool_calls
        say("tool", called.function.name, called.function.arguments)
        with refused(errors.InternalServerResponseError):
            await api.chat.send_async(**ASKED | {"model": FAILING})


def again(api: OpenRouter) -> None:
    with refused(errors.InternalServerResponseError):
        api.chat.send(**ASKED | {"model": FAILING}, retries=TWICE)


def left(api: OpenRouter) -> None:
    with api.chat.send(**ASKED, stream=True, http_headers=SLOWLY) as stream:
        say("left", next(iter(stream)).id)


with client() as api:
    synchronous(api)
asyncio.run(asynchronous())
with client() as api:
    again(api)
    left(api)
