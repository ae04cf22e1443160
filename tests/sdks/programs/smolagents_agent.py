"""smolagents: its OpenAI model pointed at OpenRouter, its litellm model, and an agent that calls a tool."""

import os

from asking import BASE_URL, BROKE, HELLO, KEY, MODEL, USER, WEATHER, refused, say

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # otherwise it is fetched from afar when litellm is imported

from smolagents import ChatMessage, LiteLLMModel, LogLevel, OpenAIModel, ToolCallingAgent, tool

SAID = [ChatMessage(role="user", content=HELLO)]


@tool
def get_weather(city: str) -> str:
    """Tell the weather of a city, as the final answer.

    Args:
        city: Its name.
    """
    return f"Sunny in {city}."


def openai_model(model: str = MODEL) -> OpenAIModel:
    return OpenAIModel(model, api_base=BASE_URL, api_key=KEY, client_kwargs={"max_retries": 0}, user=USER)


def litellm_model() -> LiteLLMModel:
    return LiteLLMModel(f"openrouter/{MODEL}", api_base=BASE_URL, api_key=KEY, extra_body={"user": USER})


for model in (openai_model(), litellm_model()):
    answer = model.generate(SAID)
    say("plain", answer.content, answer.token_usage)
    say("stream", *(delta.content for delta in model.generate_stream(SAID)))

agent = ToolCallingAgent([get_weather], openai_model(), max_steps=2, verbosity_level=LogLevel.OFF)
say("agent", agent.run(WEATHER))
with refused(Exception):
    openai_model(BROKE).generate(SAID)
