"""LiveKit's OpenAI plugin, pointed at OpenRouter; it streams whatever it asks for."""

import asyncio

from asking import BASE_URL, BROKE, FAILING, HELLO, KEY, MODEL, USER, WEATHER, refused, say
from livekit.agents import APIConnectionError, APIConnectOptions, APIStatusError, function_tool
from livekit.agents.llm import ChatContext
from livekit.plugins import openai
from livekit.rtc import AudioFrame

ADDRESS = {"base_url": BASE_URL, "api_key": KEY}
ONCE = APIConnectOptions(max_retry=0)
TWICE = APIConnectOptions(max_retry=1, retry_interval=0.1)


@function_tool
async def get_weather(city: str) -> str:
    """Tell the weather of a city."""
    return f"Sunny in {city}."


def said(text: str) -> ChatContext:
    context = ChatContext.empty()
    context.add_message(role="user", content=text)
    return context


def model(name: str = MODEL) -> openai.LLM:
    return openai.LLM.with_openrouter(model=name, **ADDRESS, user=USER)


async def main() -> None:
    async with model() as llm:
        async with llm.chat(chat_ctx=said(HELLO), conn_options=ONCE) as stream:
            say("stream", *[chunk.delta.content async for chunk in stream if chunk.delta])
        answer = await llm.chat(chat_ctx=said(HELLO), conn_options=ONCE).collect()
        say("collected", answer.text, answer.usage)
        answer = await llm.chat(chat_ctx=said(WEATHER), tools=[get_weather], conn_options=ONCE).collect()
        say("tool", *((each.name, each.arguments) for each in answer.tool_calls))
    async with model(BROKE) as llm:
        with refused(APIStatusError):
            await llm.chat(chat_ctx=said(HELLO), conn_options=TWICE).collect()
    async with model(FAILING) as llm:
        with refused(APIConnectionError):
            await llm.chat(chat_ctx=said(HELLO), conn_options=TWICE).collect()
    async with openai.STT(model="openai/gpt-4o-transcribe", **ADDRESS) as stt:
        heard = await stt.recognize(AudioFrame(bytes(9600), 24000, 1, 4800), conn_options=ONCE)
        say("transcription", heard.alternatives[0].text)


asyncio.run(main())
