"""The anthropic SDK, which finds OpenRouter's `/api/v1/messages` when its base URL is `/api`."""

import asyncio

import anthropic
from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, SLOWLY, TOOL, USER, WEATHER, refused, say

OPTIONS = {"base_url": BASE_URL.removesuffix("/v1"), "auth_token": KEY, "max_retries": 1}
ASKED = {
    "model": "anthropic/claude-haiku-4.5",
    "max_tokens": 500,
    "messages": [{"role": "user", "content": HELLO}],
    "metadata": {"user_id": USER},
}
OFFERED = {
    "name": TOOL["function"]["name"],
    "description": TOOL["function"]["description"],
    "input_schema": TOOL["function"]["parameters"],
}
ASKED_FOR_TOOL = {**ASKED, "messages": [{"role": "user", "content": WEATHER}], "tools": [OFFERED]}


def synchronous(client: anthropic.Anthropic) -> None:
    say("plain", client.messages.create(**ASKED).model_dump_json())
    say("stream", *(event.model_dump_json() for event in client.messages.create(**ASKED, stream=True)))
    with client.messages.stream(**ASKED) as stream:
        say("helper", *stream.text_stream, stream.get_final_message().usage.model_dump_json())
    raw = client.messages.with_raw_response.create(**ASKED)
    say("raw", raw.headers["x-generation-id"], raw.parse().id)
    with client.messages.with_streaming_response.create(**ASKED) as response:
        say("streaming response", len(response.read()))
    with client.messages.stream(**ASKED_FOR_TOOL) as stream:
        say("helper", *(event.type for event in stream))
    (called,) = client.messages.create(**ASKED_FOR_TOOL).content
    say("tool", called.name, called.input)
    with refused(anthropic.APIStatusError):
        client.messages.create(**ASKED | {"model": BROKE})
    with refused(anthropic.InternalServerError):
        client.messages.create(**ASKED | {"model": FAILING})
    with refused(anthropic.APIStatusError):
        list(client.messages.create(**ASKED | {"model": "simulator/error-mid-stream"}, stream=True))


async def asynchronous() -> None:
    async with anthropic.AsyncAnthropic(**OPTIONS) as client:
        say("plain", (await client.messages.create(**ASKED)).model_dump_json())
        say("stream", *[event.type async for event in await client.messages.create(**ASKED, stream=True)])
        async with client.messages.stream(**ASKED) as stream:
            say("helper", *[text async for text in stream.text_stream])
        (called,) = (await client.messages.create(**ASKED_FOR_TOOL)).content
        say("tool", called.name, called.input)
        async with client.messages.stream(**ASKED, extra_headers=SLOWLY) as stream:
            say("left", await anext(aiter(stream.text_stream)))


with anthropic.Anthropic(**OPTIONS) as client:
    synchronous(client)
asyncio.run(asynchronous())
