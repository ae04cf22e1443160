"""A response as a stream of typed, numbered events without names, as recorded; `[DONE]` is the last.

A provider error in mid-stream is stated in the object (`response.failed`), or by a separate event (`error`).
"""

from collections.abc import Iterator
from typing import Any

from spancast.testing.simulator import events
from spancast.testing.simulator.dialects import responses_object
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.prompt import Prompt
from spancast.testing.simulator.text_output import TextOutput

Event = dict[str, Any]


def stream(order: ParsedRequest[Prompt], made: Generation[TextOutput]) -> tuple[Piece, ...]:
    """Return the response as network pieces, one per event; the last object states the usage."""
    numbered = [event | {"sequence_number": place} for place, event in enumerate(_events(order, made))]
    *said, last = map(events.event, numbered)
    return events.stream(said, last, [events.DONE])


def _events(order: ParsedRequest[Prompt], made: Generation[TextOutput]) -> Iterator[Event]:
    begun = responses_object.begun(order, made)
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    yield from _output(made)
    if made.failure is not None and not made.failure.in_choice:
        yield {"type": "error", "code": "server_error", "message": made.failure.message, "param": None}
    else:
        ended = responses_object.ended(order, made)
        yield {"type": f"response.{ended['status']}", "response": ended}


def _output(made: Generation[TextOutput]) -> Iterator[Event]:
    said = made.output
    place = 0
    if said.thought:
        yield from _reasoning(made)
        place = 1
    for index in range(len(said.tool_calls)):
        yield from _call(made, index, place + index)
    if said.content:
        yield from _message(made, place)


def _reasoning(made: Generation[TextOutput]) -> Iterator[Event]:
    text = "".join(made.output.thought)
    item = responses_object.reasoning(made, text)
    at = {"output_index": 0, "item_id": item["id"], "content_index": 0}
    yield _added(0, responses_object.reasoning(made, text, "in_progress"))
    for word in made.output.thought:
        yield {"type": "response.reasoning_text.delta", **at, "delta": word}
    yield {"type": "response.reasoning_text.done", **at, "text": text}
    yield _done(0, item)


def _message(made: Generation[TextOutput], place: int) -> Iterator[Event]:
    text = made.output.text
    cited = responses_object.annotations(made.output.sources, text)
    item = responses_object.message(made, text, cited)
    at = {"output_index": place, "item_id": item["id"], "content_index": 0}
    yield _added(place, responses_object.message(made, "", [], "in_progress"))
    yield {"type": "response.content_part.added", **at, "part": responses_object.part("", [])}
    for word in made.output.content:
        yield {"type": "response.output_text.delta", **at, "delta": word, "logprobs": []}
    for number, annotation in enumerate(cited):
        numbered = {"annotation_index": number, "annotation": annotation}
        yield {"type": "response.output_text.annotation.added", **at, **numbered}
    yield {"type": "response.output_text.done", **at, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **at, "part": responses_object.part(text, cited)}
    yield _done(place, item)


def _call(made: Generation[TextOutput], index: int, place: int) -> Iterator[Event]:
    item = responses_object.call(made, index)
    at = {"output_index": place, "item_id": item["id"]}
    yield _added(place, responses_object.call(made, index, "in_progress"))
    for part in made.output.tool_calls[index].argument_parts:
        yield {"type": "response.function_call_arguments.delta", **at, "delta": part}
    finished = {"name": item["name"], "arguments": item["arguments"]}
    yield {"type": "response.function_call_arguments.done", **at, **finished}
    yield _done(place, item)


def _added(place: int, item: dict[str, Any]) -> Event:
    return {"type": "response.output_item.added", "output_index": place, "item": item}


def _done(place: int, item: dict[str, Any]) -> Event:
    return {"type": "response.output_item.done", "output_index": place, "item": item}
