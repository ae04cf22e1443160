"""A stream that the application closes after three words. Its cost is unknown here, and never counted as zero."""

import os

from openai import OpenAI

client = OpenAI(
    base_url=os.environ.get("OPENROUTER_BASE_URL", "https://openrouter.ai/api/v1"),
    api_key=os.environ["OPENROUTER_API_KEY"],
)
stream = client.chat.completions.create(
    model="anthropic/claude-haiku-4.5",
    messages=[{"role": "user", "content": "Tell me a long story about a lighthouse."}],
    max_tokens=200,
    stream=True,
    user="bob",
)
words = 0
for chunk in stream:
    if chunk.choices and chunk.choices[0].delta.content:
        print(chunk.choices[0].delta.content, end="", flush=True)
        words += 1
        if words == 3:
            break
stream.close()
print("... that is enough.")
