"""A call in which the model asks for a tool."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)
answer = client.chat.completions.create(
    model="openai/gpt-4o-mini",
    messages=[{"role": "user", "content": "What is the weather in Oslo? Use the tool get_weather."}],
    tools=[
        {
            "type": "function",
            "function": {
                "name": "get_weather",
                "description": "The weather of a city, now.",
                "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
            },
        }
    ],
    max_tokens=60,
    user="alice",
)
for call in answer.choices[0].message.tool_calls or []:
    print(f"The model asks for {call.function.name}({call.function.arguments})")  # type: ignore[union-attr]
