"""Answers of OpenRouter as tests need them, built from what they must come to."""

import json
from decimal import Decimal
from typing import Any

GENERATION = "gen-1764000000-abcdefghij0123456789"
MODEL = "openai/gpt-5-mini-2025-08-07"
PROVIDER = "Azure"
COST = Decimal("0.000106000000000001")
SSE = {"content-type": "text/event-stream; charset=utf-8"}
JSON = {"content-type": "application/json"}
PROMPT: dict[str, Any] = {"model": "openai/gpt-5-mini", "messages": [{"role": "user", "content": "Hello"}]}
USAGE = '{"prompt_tokens":16,"completion_tokens":18,"total_tokens":34,"cost":%s,"is_byok":false}' % COST  # noqa: UP031


def event(data: str) -> bytes:
    return f"data: {data}\n\n".encode()


def chunk(content: str = "", finish: str | None = None, usage: str = "", **more: Any) -> bytes:
    """Return one event of a stream."""
    head = {"id": GENERATION, "provider": PROVIDER, "model": MODEL, "object": "chat.completion.chunk", "created": 1}
    choice = {"index": 0, "delta": {"role": "assistant", "content": content}, "finish_reason": finish}
    written = json.dumps({**head, "choices": [choice], **more}, separators=(",", ":"))
    return event(written[:-1] + (f',"usage":{usage}' if usage else "") + "}")


DONE = event("[DONE]")
COMMENT = b": OPENROUTER PROCESSING\n\n"
TEXT = tuple(chunk(word) for word in ("Hello", " there", ", how", " are", " you", "?"))
STREAM = (COMMENT, *TEXT, chunk(finish="stop"), chunk(finish="stop", usage=USAGE), DONE)
"""A whole stream, an event a chunk."""


def plain(usage: str = USAGE, **more: Any) -> bytes:
    """Return the body of an answer that is not streamed."""
    message = {"role": "assistant", "content": "Hello there, how are you?"}
    choices = [{"index": 0, "message": message, "finish_reason": "stop", "native_finish_reason": "completed"}]
    head = {"id": GENERATION, "provider": PROVIDER, "model": MODEL, "object": "chat.completion", "created": 1}
    written = json.dumps({**head, "choices": choices, **more}, separators=(",", ":"))
    return (written[:-1] + f',"usage":{usage}}}').encode()
