"""A chat answer in one piece: keep-alive padding, then the body."""

from typing import Any

import msgspec

from spancast.testing.simulator import body
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.pieces import Piece

PADDING = Piece(b"\n         \n")
"""What OpenRouter sends while the model is at work; JSON parsers skip it."""
_PADDINGS = 2


def pieces(generation: Generation) -> tuple[Piece, ...]:
    """Return the answer as network pieces."""
    return (*[PADDING] * _PADDINGS, Piece(msgspec.json.encode(_completion(generation)), settles=True))


def _completion(generation: Generation) -> dict[str, Any]:
    usage = {"usage": body.usage(generation.usage)} if generation.usage_stated else {}
    return (
        body.head(generation, "chat.completion")
        | {"system_fingerprint": body.fingerprint(generation), "service_tier": None, "choices": [_choice(generation)]}
        | usage
    )


def _choice(generation: Generation) -> dict[str, Any]:
    failed = {"error": body.failure(generation.failure)} if generation.failure else {}
    return {
        "index": 0,
        "logprobs": None,
        "finish_reason": generation.finish_reason,
        "native_finish_reason": generation.native_finish_reason,
        "message": _message(generation),
    } | failed


def _message(generation: Generation) -> dict[str, Any]:
    thought = "".join(generation.shown_reasoning)
    calls = generation.written.tool_calls
    message: dict[str, Any] = {
        "role": "assistant",
        "content": None if calls else "".join(generation.written.content),
        "refusal": None,
        "reasoning": thought or None,
    }
    if thought:
        message["reasoning_details"] = body.reasoning_details(generation, thought)
    if calls:
        message["tool_calls"] = [
            {
                "type": "function",
                "index": index,
                "id": call.id,
                "function": {"name": call.name, "arguments": call.arguments},
            }
            for index, call in enumerate(calls)
        ]
    return message
