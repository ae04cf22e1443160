"""The openai and the anthropic SDK with aiohttp for their transport, inside httpx2."""

import asyncio

import anthropic
import openai
from asking import BASE_URL, FAILING, HELLO, KEY, MODEL, SAID, SLOWLY, USER, refused, say

ASKED = {"model": MODEL, "messages": SAID, "user": USER}
MESSAGE = {
    "model": "anthropic/claude-haiku-4.5",
    "max_tokens": 500,
    "messages": [{"role": "user", "content": HELLO}],
    "metadata": {"user_id": USER},
}


async def chat() -> None:
    transport = openai.DefaultAioHttpClient()
    async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=1, http_client=transport) as client:
        chat = client.chat.completions
        say("plain", (await chat.create(**ASKED)).model_dump_json())
        say("stream", *[chunk.model_dump_json() async for chunk in await chat.create(**ASKED, stream=True)])
        with refused(openai.InternalServerError):
            await chat.create(**ASKED | {"model": FAILING})


async def messages() -> None:
    transport = anthropic.DefaultAioHttpClient()
    address = BASE_URL.removesuffix("/v1")
    async with anthropic.AsyncAnthropic(base_url=address, auth_token=KEY, http_client=transport) as client:
        say("plain", (await client.messages.create(**MESSAGE)).model_dump_json())
        async with client.messages.stream(**MESSAGE) as stream:
            say("stream", *[text async for text in stream.text_stream])
        async with client.messages.stream(**MESSAGE, extra_headers=SLOWLY) as stream:
            say("left", await anext(aiter(stream.text_stream)))


async def main() -> None:
    await chat()
    await messages()


asyncio.run(main())
