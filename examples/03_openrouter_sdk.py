"""The official openrouter SDK: a plain call and a streamed one, in one session of one user."""

import os

from openrouter import OpenRouter

with OpenRouter(
    api_key=os.environ["OPENROUTER_API_KEY"],
    server_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
) as client:
    answer = client.chat.send(
        model="openai/gpt-4o-mini",
        messages=[{"role": "user", "content": "What is a haiku?"}],
        max_tokens=60,
        user="carol",
        session_id="poetry",
    )
    print(answer.choices[0].message.content)

    stream = client.chat.send(
        model="deepseek/deepseek-v3.2",
        messages=[{"role": "user", "content": "Write one about rain."}],
        max_tokens=60,
        stream=True,
        user="carol",
        session_id="poetry",
    )
    with stream:
        for chunk in stream:
            if chunk.choices:
                print(chunk.choices[0].delta.content or "", end="", flush=True)
    print()
