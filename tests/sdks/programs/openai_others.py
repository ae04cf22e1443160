"""The openai SDK, 2.x and 3.x: what it can be asked for beside chats."""

import asyncio

import openai
from asking import BASE_URL, BROKE, HELLO, KEY, MODEL, USER, WEATHER, refused, say
from pydantic import BaseModel

ASKED = {"model": MODEL, "input": HELLO, "user": USER}
EMBEDDED = {"model": "openai/text-embedding-3-small", "input": [HELLO, WEATHER], "user": USER}
SPOKEN = {"model": "hexgrad/kokoro-82m", "input": HELLO, "voice": "af_alloy"}
HEARD = {"model": "openai/whisper-1", "file": ("hello.wav", b"RIFF" * 2000)}


class Weather(BaseModel):
    """Tell the weather of a city."""

    city: str


FUNCTION = openai.pydantic_function_tool(Weather, name="get_weather")["function"]
ASKED_FOR_TOOL = {**ASKED, "input": WEATHER, "tools": [{"type": "function", **FUNCTION}]}


def synchronous(client: openai.OpenAI) -> None:
    answer = client.responses.create(**ASKED)
    say("response", answer.output_text, answer.usage.model_dump_json())
    say("stream", *(event.model_dump_json() for event in client.responses.create(**ASKED, stream=True)))
    with client.responses.stream(**ASKED_FOR_TOOL) as stream:
        say("helper", *(event.type for event in stream))
    (called,) = client.responses.parse(**ASKED_FOR_TOOL).output
    say("parse", called.name, called.arguments)
    with client.responses.with_streaming_response.create(**ASKED) as response:
        say("streaming response", len(response.read()))
    embedded = client.embeddings.create(**EMBEDDED)
    say("embeddings", *(len(each.embedding) for each in embedded.data), embedded.data[0].embedding[:3])
    embedded = client.embeddings.create(**EMBEDDED, encoding_format="float")
    say("embeddings", *(len(each.embedding) for each in embedded.data), embedded.data[0].embedding[:3])
    say("speech", len(client.audio.speech.create(**SPOKEN).content))
    with client.audio.speech.with_streaming_response.create(**SPOKEN) as sound:
        say("speech, streamed", sum(map(len, sound.iter_bytes())))
    say("transcription", client.audio.transcriptions.create(**HEARD).text)
    with refused(openai.APIStatusError):
        client.responses.create(model=BROKE, input=HELLO, user=USER)
    with refused(openai.BadRequestError):
        client.embeddings.create(**EMBEDDED | {"model": "nobody/none"})


async def asynchronous(client: openai.AsyncOpenAI) -> None:
    answer = await client.responses.create(**ASKED)
    say("response", answer.output_text, answer.usage.model_dump_json())
    say("stream", *[event.type async for event in await client.responses.create(**ASKED, stream=True)])
    embedded = await client.embeddings.create(**EMBEDDED)
    say("embeddings", *(len(each.embedding) for each in embedded.data))
    async with client.audio.speech.with_streaming_response.create(**SPOKEN) as sound:
        say("speech, streamed", sum([len(piece) async for piece in sound.iter_bytes()]))
    say("transcription", (await client.audio.transcriptions.create(**HEARD)).text)


async def both() -> None:
    async with openai.AsyncOpenAI(base_url=BASE_URL, api_key=KEY, max_retries=1) as client:
        await asynchronous(client)


with openai.OpenAI(base_url=BASE_URL, api_key=KEY, max_retries=1) as client:
    synchronous(client)
asyncio.run(both())
