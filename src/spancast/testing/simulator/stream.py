"""A chat answer as a stream of server-sent events: comments, a chunk a word, the usage in the last one, `[DONE]`."""

from collections.abc import Iterator
from typing import Any

import msgspec

from spancast.testing.simulator import body
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.toolcalls import ToolCall

COMMENT = Piece(b": OPENROUTER PROCESSING\n\n")
"""What OpenRouter sends while the model is at work; parsers of server-sent events skip it."""
_COMMENTS = 2
_DONE = b"data: [DONE]\n\n"
_ARGUMENT_CHARACTERS = 8
_SILENCE = {"role": "assistant", "content": ""}


def pieces(generation: Generation) -> tuple[Piece, ...]:
    """Return the answer as network pieces, one an event."""
    words = [_event(_chunk(generation, delta)) for delta in _deltas(generation)]
    last = [_event(chunk) for chunk in _last_chunks(generation)]
    *before, settling = [*last, _DONE] if not generation.usage_stated else last
    after = [] if settling is _DONE else [_DONE]
    said = [Piece(event) for event in [*words, *before]]
    return (*[COMMENT] * _COMMENTS, *said, Piece(settling, settles=True), *map(Piece, after))


def _event(chunk: dict[str, Any]) -> bytes:
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"


def _chunk(generation: Generation, delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    native = generation.native_finish_reason if reason else None
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "native_finish_reason": native}
    return body.head(generation, "chat.completion.chunk") | _fingerprint(generation) | {"choices": [choice]}


def _fingerprint(generation: Generation) -> dict[str, str]:
    fingerprint = body.fingerprint(generation)
    return {} if fingerprint is None else {"system_fingerprint": fingerprint}


def _deltas(generation: Generation) -> Iterator[dict[str, Any]]:
    shown, written = generation.shown_reasoning, generation.written
    if not shown and not written.tool_calls:
        yield _SILENCE
    for word in shown:
        yield _SILENCE | {"reasoning": word, "reasoning_details": body.reasoning_details(generation, word)}
    for word in written.content:
        yield {"role": "assistant", "content": word}
    for index, call in enumerate(written.tool_calls):
        yield from _tool_deltas(index, call)


def _tool_deltas(index: int, call: ToolCall) -> Iterator[dict[str, Any]]:
    named = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    yield _tool_delta(named)
    for start in range(0, len(call.arguments), _ARGUMENT_CHARACTERS):
        part = call.arguments[start : start + _ARGUMENT_CHARACTERS]
        yield _tool_delta({"index": index, "function": {"arguments": part}, "type": "function"})


def _tool_delta(call: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _last_chunks(generation: Generation) -> list[dict[str, Any]]:
    """Return the chunk that ends the choice and the one that states the usage; a failure needs no chunk of its own."""
    usage = {"usage": body.usage(generation.usage)} if generation.usage_stated else {}
    if generation.failure is not None:
        return [_failed(generation) | usage]
    end = _chunk(generation, _SILENCE, generation.finish_reason)
    return [end, end | {"service_tier": None} | usage] if usage else [end]


def _failed(generation: Generation) -> dict[str, Any]:
    chunk = _chunk(generation, _SILENCE, generation.finish_reason)
    failure = generation.failure
    if failure is None:
        return chunk
    if failure.in_choice:
        return chunk | {"choices": [chunk["choices"][0] | {"error": body.failure(failure)}]}
    return chunk | {"error": body.failure(failure)}
