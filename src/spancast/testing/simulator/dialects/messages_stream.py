"""A message as a stream of named events. It starts with zero tokens; the final counts and the cost are at its end."""

from collections.abc import Iterator
from typing import Any

from spancast.testing.simulator import events
from spancast.testing.simulator.dialects import messages_errors, messages_parts
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.prompt import Prompt
from spancast.testing.simulator.text_output import TextOutput
from spancast.testing.simulator.usage import Usage

Event = dict[str, Any]
DONE = b"event: data\n" + events.DONE
"""An end of stream observed from OpenRouter (fixtures of September 2026), on which Anthropic's own client fails."""


def stream(_: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    """Return the message as network pieces, one per event; `message_delta` states the usage."""
    said = map(_named, [_start(made), {"type": "ping"}, *_content(made)])
    if made.failure is not None:
        return events.stream(said, _named(messages_errors.event(made.failure)))
    return events.stream(said, _named(_change(made)), [_named(_stop(made))])


def _named(event: Event) -> bytes:
    return events.event(event, event["type"])


def _start(made: Generation[TextOutput]) -> Event:
    unknown = {"stop_reason": None, "stop_sequence": None, "stop_details": None}
    usage = {"usage": messages_parts.counts(Usage(), None)} if made.usage_stated else {}
    return {"type": "message_start", "message": messages_parts.head(made) | {"content": []} | unknown | usage}


def _content(made: Generation[TextOutput]) -> Iterator[Event]:
    for index, (block, deltas) in enumerate(_blocks(made)):
        yield {"type": "content_block_start", "index": index, "content_block": block}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}


def _blocks(made: Generation[TextOutput]) -> Iterator[tuple[dict[str, Any], list[dict[str, Any]]]]:
    """Yield the initial state of each block, and its deltas."""
    said = made.output
    if said.thought:
        thinking = [{"type": "thinking_delta", "thinking": word} for word in said.thought]
        signed = {"type": "signature_delta", "signature": messages_parts.signature(made)}
        yield messages_parts.thought("", ""), [*thinking, signed]
    if said.content:
        words = [{"type": "text_delta", "text": word} for word in said.content]
        cited = [{"type": "citations_delta", "citation": messages_parts.citation(each)} for each in said.sources]
        yield messages_parts.text("", None), [*words, *cited]
    for call in said.tool_calls:
        parts = [{"type": "input_json_delta", "partial_json": part} for part in call.argument_parts]
        yield messages_parts.call(call, {}), parts


def _change(made: Generation[TextOutput]) -> Event:
    usage = {"usage": messages_parts.usage(made)} if made.usage_stated else {}
    return {"type": "message_delta", "delta": messages_parts.stop(made) | {"container": None}} | usage


def _stop(made: Generation[TextOutput]) -> Event:
    return {"type": "message_stop"} | messages_parts.routing(made)
