"""A streamed chat response: a chunk per word, the usage in the last chunk, then `[DONE]`."""

from collections.abc import Iterator
from typing import Any

from spancast.testing.simulator import events
from spancast.testing.simulator.dialects import chat_parts
from spancast.testing.simulator.generation import Failure, Generation
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.prompt import Prompt
from spancast.testing.simulator.text_output import TextOutput
from spancast.testing.simulator.toolcalls import ToolCall

_EMPTY_DELTA = {"role": "assistant", "content": ""}


def stream(_: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    """Return the response as network pieces, one per event."""
    said = [events.event(_chunk(made, delta)) for delta in _deltas(made.output, made)]
    *before, last = map(events.event, _last_chunks(made))
    if not made.usage_stated:
        return events.stream([*said, *before, last], events.DONE)
    return events.stream([*said, *before], last, [events.DONE])


def _chunk(made: Generation[TextOutput], delta: dict[str, Any], reason: str | None = None) -> dict[str, Any]:
    native = made.native_finish_reason if reason else None
    choice = {"index": 0, "delta": delta, "finish_reason": reason, "native_finish_reason": native}
    return chat_parts.head(made, "chat.completion.chunk") | _fingerprint(made) | {"choices": [choice]}


def _fingerprint(made: Generation[TextOutput]) -> dict[str, str]:
    fingerprint = chat_parts.fingerprint(made)
    return {} if fingerprint is None else {"system_fingerprint": fingerprint}


def _deltas(said: TextOutput, made: Generation[TextOutput]) -> Iterator[dict[str, Any]]:
    if not said.thought and not said.tool_calls:
        yield _EMPTY_DELTA
    for word in said.thought:
        yield _EMPTY_DELTA | {"reasoning": word, "reasoning_details": chat_parts.reasoning_details(made, word)}
    for word in said.content:
        yield {"role": "assistant", "content": word}
    if said.sources:
        yield _EMPTY_DELTA | {"annotations": chat_parts.annotations(said.sources, said.text)}
    for index, call in enumerate(said.tool_calls):
        yield from _tool_deltas(index, call)


def _tool_deltas(index: int, call: ToolCall) -> Iterator[dict[str, Any]]:
    named = {"index": index, "id": call.id, "type": "function", "function": {"name": call.name, "arguments": ""}}
    yield _tool_delta(named)
    for part in call.argument_parts:
        yield _tool_delta({"index": index, "function": {"arguments": part}, "type": "function"})


def _tool_delta(call: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def _last_chunks(made: Generation[TextOutput]) -> list[dict[str, Any]]:
    """Return the chunk that ends the choice, and the one that states the usage; a failure combines the two."""
    tail = chat_parts.tail(made)
    if made.failure is not None:
        return [_failed(made, made.failure) | tail]
    end = _chunk(made, _EMPTY_DELTA, made.finish_reason)
    return [end, end | {"service_tier": made.model.tier} | tail] if tail else [end]


def _failed(made: Generation[TextOutput], failure: Failure) -> dict[str, Any]:
    chunk = _chunk(made, _EMPTY_DELTA, made.finish_reason)
    if failure.in_choice:
        return chunk | {"choices": [chunk["choices"][0] | {"error": chat_parts.failure(failure)}]}
    return chunk | {"error": chat_parts.failure(failure)}
