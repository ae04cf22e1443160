"""LlamaIndex's OpenRouter model, on the openai SDK."""

import asyncio

import openai
from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, USER, WEATHER, refused, say
from llama_index.core.llms import ChatMessage
from llama_index.core.tools import FunctionTool
from llama_index.llms.openrouter import OpenRouter

SAID = [ChatMessage(role="user", content=HELLO)]


def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Sunny in {city}."


TOOL = FunctionTool.from_defaults(get_weather)


def model(name: str = MODEL, max_retries: int = 0) -> OpenRouter:
    return OpenRouter(
        model=name,
        api_base=BASE_URL,
        api_key=KEY,
        max_retries=max_retries,
        is_function_calling_model=True,
        additional_kwargs={"user": USER},
    )


def synchronous(llm: OpenRouter) -> None:
    say("complete", llm.complete(HELLO))
    say("chat", llm.chat(SAID), llm.chat(SAID).raw.usage)
    say("stream", *(piece.delta for piece in llm.stream_chat(SAID)))
    answer = llm.chat_with_tools([TOOL], user_msg=WEATHER)
    (called,) = llm.get_tool_calls_from_response(answer)
    say("tool", called.tool_name, called.tool_kwargs)
    with refused(openai.APIStatusError):
        model(BROKE).chat(SAID)
    with refused(openai.InternalServerError):
        model(FAILING, max_retries=1).chat(SAID)


async def asynchronous(llm: OpenRouter) -> None:
    say("chat", await llm.achat(SAID))
    say("stream", *[piece.delta async for piece in await llm.astream_chat(SAID)])
    answer = await llm.achat_with_tools([TOOL], user_msg=WEATHER)
    (called,) = llm.get_tool_calls_from_response(answer)
    say("tool", called.tool_name, called.tool_kwargs)


synchronous(model())
asyncio.run(asynchronous(model()))
