"""Spancast started in code: attribute a block's calls to a user, and deliver waiting calls before going on."""

import os

from openai import OpenAI

import spancast

spancast.start()


@spancast.attribute(tags={"feature": "search"})
def search(client: OpenAI, question: str) -> str:
    answer = client.chat.completions.create(
        model="openai/gpt-4o-mini", messages=[{"role": "user", "content": question}], max_tokens=40
    )
    return answer.choices[0].message.content or ""


client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)
with spancast.attribute(user="dave", session="s_7"):
    print(search(client, "Where is the nearest bakery?"))
print("all delivered:", spancast.flush(timeout=5.0))
