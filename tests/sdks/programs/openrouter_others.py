"""OpenRouter's own SDK, 0.x and 1.x: what it can be asked for beside chats."""

import asyncio
import base64

from asking import BASE_URL, BROKE, HELLO, KEY, MODEL, USER, WEATHER, refused, say
from openrouter import OpenRouter, errors

ASKED = {"model": MODEL, "input": HELLO, "user": USER}
EMBEDDED = {"model": "openai/text-embedding-3-small", "input": [HELLO, WEATHER], "user": USER}
RANKED = {"model": "cohere/rerank-v3.5", "query": WEATHER, "documents": [HELLO, "It rains."]}
PAINTED = {"model": "google/gemini-3.1-flash-lite-image", "prompt": HELLO}
SPOKEN = {"model": "hexgrad/kokoro-82m", "input": HELLO, "voice": "af_alloy"}
FILMED = {"model": "x-ai/grok-imagine-video", "prompt": HELLO}
SOUND = b"RIFF" * 2000
HEARD = {
    "model": "openai/whisper-1",
    "input_audio": {"data": base64.b64encode(SOUND).decode(), "format": "wav"},
}
SENT = {"model": "openai/gpt-4o-transcribe", "file": {"file_name": "hello.wav", "content": SOUND}}


def client() -> OpenRouter:
    return OpenRouter(api_key=KEY, server_url=BASE_URL, retry_config=None)


def synchronous(api: OpenRouter) -> None:
    say("response", api.beta.responses.send(**ASKED).usage.model_dump_json())
    with api.beta.responses.send(**ASKED, stream=True) as stream:
        say("stream", *(event.type for event in stream))
    say("embeddings", api.embeddings.generate(**EMBEDDED).usage.model_dump_json())
    say("rerank", api.rerank.rerank(**RANKED).model_dump_json())
    say("image", api.images.generate(**PAINTED).model_dump_json())
    with api.images.generate(**PAINTED, stream=True) as stream:
        say("image, streamed", *(event.model_dump_json() for event in stream))
    say("speech", len(api.tts.create_speech(**SPOKEN).read()))
    say("transcription", api.stt.create_transcription(**HEARD).model_dump_json())
    say("transcription of a form", api.stt.create_transcription_multipart(**SENT).model_dump_json())
    job = api.video_generation.generate(**FILMED)
    polls = [api.video_generation.get_generation(job_id=job.id) for _ in range(3)]
    say("video", job.status, *(poll.status for poll in polls), polls[-1].usage)
    with refused(errors.PaymentRequiredResponseError):
        api.beta.responses.send(**ASKED | {"model": BROKE})


async def asynchronous() -> None:
    async with client() as api:
        say("response", (await api.beta.responses.send_async(**ASKED)).usage.model_dump_json())
        async with await api.beta.responses.send_async(**ASKED, stream=True) as stream:
            say("stream", *[event.type async for event in stream])
        say("embeddings", (await api.embeddings.generate_async(**EMBEDDED)).usage.model_dump_json())
        sound = await api.tts.create_speech_async(**SPOKEN)
        say("speech", len(await sound.aread()))
        form = await api.stt.create_transcription_multipart_async(**SENT)
        say("transcription of a form", form.model_dump_json())


with client() as api:
    synchronous(api)
asyncio.run(asynchronous())
