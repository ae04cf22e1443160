"""A plain call with the official openai SDK, for one of the application's users."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)
answer = client.chat.completions.create(
    model="anthropic/claude-haiku-4.5",
    messages=[{"role": "user", "content": "Why do cats purr? One sentence, please."}],
    max_tokens=60,
    user="alice",
)
print(answer.choices[0].message.content)
