"""The words of POST /responses (OpenRouter API, Responses): items that come and go, whole or in pieces."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part
from spancast.capture.content.transcript import Asked, Transcript
from spancast.capture.values import member


def asked(request: Any) -> Asked:
    """Return the input items as messages, the instructions and the tools."""
    seen = member(request, "input")
    messages = [parts.message("user", [parts.text(seen)])] if isinstance(seen, str) else list(_messages(seen, "user"))
    tools = [parts.function_definition(tool) for tool in _list(member(request, "tools"))]
    return Asked(messages, list(parts.texts(member(request, "instructions"))), tools)


def said(answers: Iterable[Any]) -> list[Message]:
    """Return the output of the last whole response; of a stream that was cut, the pieces that came."""
    pieces: dict[tuple[Any, Any], tuple[Callable[[str], Part], list[str]]] = {}
    for answer in answers:
        whole = member(answer, "response") or answer
        if member(whole, "output"):
            return _one(_messages(member(whole, "output"), "assistant"))
        make = _PIECES.get(str(member(answer, "type")))
        if make is not None and isinstance(member(answer, "delta"), str):
            place = (member(answer, "output_index"), member(answer, "content_index"))
            pieces.setdefault(place, (make, []))[1].append(member(answer, "delta"))
    spoken = [make("".join(words)) for make, words in pieces.values()]
    return [parts.message("assistant", spoken)] if spoken else []


_PIECES: dict[str, Callable[[str], Part]] = {
    "response.output_text.delta": parts.text,
    "response.reasoning_text.delta": parts.reasoning,
    "response.reasoning_summary_text.delta": parts.reasoning,
    "response.refusal.delta": parts.refusal,
    "response.function_call_arguments.delta": lambda arguments: parts.tool_call(None, None, arguments),
}


def _one(messages: Iterable[Message]) -> list[Message]:
    """Return the items of one answer as one message, as the conventions have it."""
    spoken = [part for each in messages for part in each["parts"]]
    return [parts.message("assistant", spoken)] if spoken else []


def _messages(items: Any, role: str) -> Iterator[Message]:
    for item in _list(items):
        kind = member(item, "type")
        read = _ITEMS.get(kind) if isinstance(kind, str) else None
        if read is not None:
            yield parts.message("tool" if kind == "function_call_output" else "assistant", read(item))
        else:
            yield parts.message(member(item, "role") or role, list(_spoken(member(item, "content"))))


def _spoken(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield parts.text(content)
    for each in _list(content):
        kind = str(member(each, "type"))
        make = _CONTENT.get(kind)
        yield {"type": kind} if make is None else make(each)


_CONTENT: dict[str, Callable[[Any], Part]] = {
    "input_text": lambda seen: parts.text(member(seen, "text")),
    "output_text": lambda seen: parts.text(member(seen, "text")),
    "text": lambda seen: parts.text(member(seen, "text")),
    "reasoning_text": lambda seen: parts.reasoning(member(seen, "text")),
    "summary_text": lambda seen: parts.reasoning(member(seen, "text")),
    "refusal": lambda seen: parts.refusal(member(seen, "refusal")),
    "input_image": lambda seen: parts.media("image", member(seen, "image_url")),
    "input_audio": lambda seen: parts.media("audio", member(member(seen, "input_audio"), "data")),
    "input_file": lambda seen: parts.media("document", member(seen, "file_data") or member(seen, "file_url")),
}


def _function_call(item: Any) -> list[Part]:
    return [parts.tool_call(member(item, "call_id"), member(item, "name"), member(item, "arguments"))]


def _function_output(item: Any) -> list[Part]:
    return [parts.tool_response(member(item, "call_id"), member(item, "output"))]


def _reasoning(item: Any) -> list[Part]:
    return [*_spoken(member(item, "summary")), *_spoken(member(item, "content"))]


_ITEMS: dict[str, Callable[[Any], list[Part]]] = {
    "function_call": _function_call,
    "function_call_output": _function_output,
    "reasoning": _reasoning,
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


RESPONSES = Transcript(asked, said)
