"""A call that OpenRouter refuses: there is no such model."""

import os

from openai import APIStatusError, OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)
try:
    client.chat.completions.create(
        model="nobody/no-such-model",
        messages=[{"role": "user", "content": "Hello?"}],
        user="bob",
    )
except APIStatusError as error:
    print(f"refused with {error.status_code}: {error.message}")
