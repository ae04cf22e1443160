"""langchain-openai's `ChatOpenAI`, pointed at OpenRouter."""

import asyncio

import openai
from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, SLOWLY, TOOL, USER, WEATHER, refused, say
from langchain_core.messages import BaseMessage
from langchain_openai import ChatOpenAI, OpenAIEmbeddings

OPTIONS = {"base_url": BASE_URL, "api_key": KEY, "max_retries": 1, "model_kwargs": {"user": USER}}


def shown(message: BaseMessage) -> str:
    return f"{message.content} {message.usage_metadata} {message.response_metadata}"


def synchronous(model: ChatOpenAI) -> None:
    say("plain", shown(model.invoke(HELLO)))
    say("stream", *map(shown, model.stream(HELLO)))
    (called,) = model.bind_tools([TOOL]).invoke(WEATHER).tool_calls
    say("tool", called["name"], called["args"])
    say("batch", *map(shown, model.batch([HELLO, WEATHER], {"max_concurrency": 1})))
    say("responses", model.model_copy(update={"use_responses_api": True}).invoke(HELLO).usage_metadata)
    with refused(openai.APIStatusError):
        model.model_copy(update={"model_name": BROKE}).invoke(HELLO)
    with refused(openai.InternalServerError):
        model.model_copy(update={"model_name": FAILING}).invoke(HELLO)


async def asynchronous(model: ChatOpenAI) -> None:
    say("plain", shown(await model.ainvoke(HELLO)))
    say("stream", *[shown(chunk) async for chunk in model.astream(HELLO)])
    (called,) = (await model.bind_tools([TOOL]).ainvoke(WEATHER)).tool_calls
    say("tool", called["name"], called["args"])


async def leave(model: ChatOpenAI) -> None:
    async for chunk in model.astream(HELLO):
        say("left", chunk.content)
        break


def embed() -> None:
    model = OpenAIEmbeddings(
        model="openai/text-embedding-3-small", base_url=BASE_URL, api_key=KEY, check_embedding_ctx_length=False
    )
    say("embeddings", len(model.embed_query(HELLO)))


async def main() -> None:
    await asynchronous(ChatOpenAI(model=MODEL, **OPTIONS))
    await leave(ChatOpenAI(model=MODEL, default_headers=SLOWLY, **OPTIONS))


synchronous(ChatOpenAI(model=MODEL, **OPTIONS))
embed()
asyncio.run(main())
