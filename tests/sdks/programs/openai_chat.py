"""The openai SDK, 2.x and 3.x: chat completions, in every way in which it can be asked for them."""

import asyncio

import openai
from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, SAID, SLOWLY, USER, WEATHER, refused, say
from pydantic import BaseModel

ASKED = {"model": MODEL, "messages": SAID, "user": USER}


class Weather(BaseModel):
    """Tell the weather of a city."""

    city: str


TOOL = openai.pydantic_function_tool(Weather, name="get_weather")
ASKED_FOR_TOOL = {**ASKED, "messages": [{"role": "user", "content": WEATHER}], "tools": [TOOL]}


def synchronous(client: openai.OpenAI) -> None:
    chat = client.chat.completions
    say("plain", chat.create(**ASKED).model_dump_json())
    say("stream", *(chunk.model_dump_json() for chunk in chat.create(**ASKED, stream=True)))
    raw = chat.with_raw_response.create(**ASKED)
    say("raw", raw.headers["x-generation-id"], raw.parse().id, len(raw.content))
    raw = chat.with_raw_response.create(**ASKED, stream=True)
    say("raw stream", raw.headers["x-generation-id"], len(list(raw.parse())))
    with chat.with_streaming_response.create(**ASKED) as response:
        say("streaming response", response.status_code, *response.iter_lines())
    with chat.with_streaming_response.create(**ASKED) as response:
        say("streaming response, parsed", response.parse().usage)
    with chat.with_streaming_response.create(**ASKED, stream=True) as response:
        say("streaming response of a stream", *response.iter_text())
    (called,) = chat.parse(**ASKED_FOR_TOOL).choices[0].message.tool_calls
    say("parse", called.function.name, repr(called.function.parsed_arguments))
    with chat.stream(**ASKED_FOR_TOOL) as stream:
        say("helper", *(event.type for event in stream))
        say(repr(stream.get_final_completion().choices[0].message.tool_calls[0].function.parsed_arguments))
    completion = client.completions.create(model=MODEL, prompt=HELLO, user=USER)
    say("completion", completion.model_dump_json())


async def asynchronous(client: openai.AsyncOpenAI) -> None:
    chat = client.chat.completions
    say("plain", (await chat.create(**ASKED)).model_dump_json())
    say("stream", *[chunk.model_dump_json() async for chunk in await chat.create(**ASKED, stream=True)])
    raw = await chat.with_raw_response.create(**ASKED)
    say("raw", raw.headers["x-generation-id"], raw.parse().id, len(raw.content))
    async with chat.with_streaming_response.create(**ASKED, stream=True) as response:
        say("streaming response of a stream", *[line async for line in response.iter_lines()])
    async with chat.stream(**ASKED_FOR_TOOL) as stream:
        say("helper", *[event.type async for event in stream])
    async with await chat.create(**ASKED, stream=True, extra_headers=SLOWLY) as stream:
        say("left", (await anext(aiter(stream))).id)


def failing(client: openai.OpenAI) -> None:
    with refused(openai.APIStatusError):
        client.chat.completions.create(model=BROKE, messages=SAID, user=USER)
    with refused(openai.InternalServerError):
        client.chat.completions.create(model=FAILING, messages=SAID, user=USER)
    with refused(openai.InternalServerError):
        client.chat.completions.create(model=FAILING, messages=SAID, user=USER, stream=True)
    with refused(openai.APIError):
        list(client.chat.completions.create(model="simulator/error-mid-stream", messages=SAID, user=USER, stream=True))


async def both() -> None:
    async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=1) as client:
        await asynchronous(client)


with openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=1) as client:
    synchronous(client)
    failing(client)
asyncio.run(both())
