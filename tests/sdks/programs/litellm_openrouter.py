"""litellm's own `openrouter/` provider: httpx, and for what is asynchronous aiohttp inside httpx."""

import asyncio
import os

from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, SAID, SLOWLY, TOOL, USER, WEATHER, refused, say

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise it is fetched from afar when litellm is imported

import litellm

litellm.suppress_debug_info = True
ADDRESS = {"api_base": BASE_URL, "api_key": KEY}
ASKED = {"model": f"openrouter/{MODEL}", "messages": SAID, "extra_body": {"user": USER}, **ADDRESS}
ASKED_FOR_TOOL = {**ASKED, "messages": [{"role": "user", "content": WEATHER}], "tools": [TOOL]}
BROKEN = {**ASKED, "model": f"openrouter/{BROKE}"}
UNRELIABLE = {**ASKED, "model": f"openrouter/{FAILING}", "num_retries": 1}


def shown(answer: litellm.ModelResponse) -> str:
    return f"{answer.id} {answer.model} {answer.choices[0].message.content} {answer.usage.model_dump_json()}"


def told(chunk: litellm.ModelResponseStream) -> str:
    return "".join(choice.delta.content or "" for choice in chunk.choices)


def synchronous() -> None:
    say("plain", shown(litellm.completion(**ASKED)))
    chunks = list(litellm.completion(**ASKED, stream=True, stream_options={"include_usage": True}))
    say("stream", *map(told, chunks), chunks[-1].usage.cost)
    (called,) = litellm.completion(**ASKED_FOR_TOOL).choices[0].message.tool_calls
    say("tool", called.function.name, called.function.arguments)
    answer = litellm.responses(model=f"openrouter/{MODEL}", input=HELLO, user=USER, **ADDRESS)
    say("responses", answer.output_text)
    embedded = litellm.embedding(
        model="openrouter/openai/text-embedding-3-small", input=[HELLO], user=USER, encoding_format="float", **ADDRESS
    )
    say("embeddings", embedded.usage.model_dump_json())
    with refused(litellm.exceptions.APIError):
        litellm.completion(**BROKEN)
    with refused(litellm.exceptions.APIError):
        litellm.completion(**UNRELIABLE)


async def asynchronous() -> None:
    say("plain", shown(await litellm.acompletion(**ASKED)))
    stream = await litellm.acompletion(**ASKED, stream=True, stream_options={"include_usage": True})
    say("stream", *[told(chunk) async for chunk in stream])
    (called,) = (await litellm.acompletion(**ASKED_FOR_TOOL)).choices[0].message.tool_calls
    say("tool", called.function.name, called.function.arguments)
    with refused(litellm.exceptions.APIError):
        await litellm.acompletion(**UNRELIABLE)
    stream = await litellm.acompletion(**ASKED, stream=True, extra_headers=SLOWLY)
    say("left", (await anext(stream)).id)
    await stream.aclose()


synchronous()
asyncio.run(asynchronous())
