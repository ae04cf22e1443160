"""The words of POST /responses (OpenRouter API, Responses): items that come and go, whole or in pieces."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part, listed, place
from spancast.capture.content.transcript import Asked, Transcript
from spancast.capture.values import member


def asked(request: Any) -> Asked:
    """Return the input items as messages, the instructions and the tools."""
    seen = member(request, "input")
    messages = (
        [parts.message("user", [parts.text(seen)])] if isinstance(seen, str) else list(map(_message, listed(seen)))
    )
    tools = [parts.tool(each) for each in listed(member(request, "tools"))]
    return Asked(messages, list(parts.texts(member(request, "instructions"))), tools)


def said(answers: Iterable[Any]) -> list[Message]:
    """Return the output of a whole response; of a stream that was cut, what came of it. It is one message."""
    pieces = _Pieces()
    for answer in answers:
        kind, response = member(answer, "type"), member(answer, "response")
        output = listed(member(answer if response is None else response, "output"))
        if output and (kind is None or kind in _WHOLE):
            return _one(each for item in output for each in _item(item))
        pieces.take(answer)
    return _one(pieces.parts())


_WHOLE = ("response.completed", "response.incomplete", "response.failed")
_NO_PARTS = frozenset({"id", "status", "type"})


def _one(spoken: Iterable[Part]) -> list[Message]:
    found = list(spoken)
    return [parts.message("assistant", found)] if found else []


def _message(item: Any) -> Message:
    kind = member(item, "type")
    if kind is None or kind == "message":
        return parts.message(member(item, "role"), list(_item(item)))
    return parts.message("tool" if str(kind).endswith("_output") else "assistant", list(_item(item)))


def _item(item: Any) -> list[Part]:
    kind = member(item, "type") or "message"
    read = _ITEMS.get(kind) if isinstance(kind, str) else None
    if read is not None:
        return read(item)
    return [_server_tool(item)] if str(kind).startswith(_SERVER_TOOLS) else [parts.unknown(kind)]


_SERVER_TOOLS = ("openrouter:", "web_search_call", "file_search_call", "code_interpreter_call", "mcp_call")


def _server_tool(item: Any) -> Part:
    called = {name: value for name, value in item.items() if name not in _NO_PARTS}
    kind = member(item, "type")
    return parts.server_tool_call(member(item, "id"), member(item, "name") or kind, {"type": kind, **called})


def _spoken(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield parts.text(content)
    for each in listed(content):
        kind = member(each, "type")
        make = _CONTENT.get(kind) if isinstance(kind, str) else None
        yield parts.unknown(kind) if make is None else make(each)


def _file(seen: Any) -> Part:
    identity = member(seen, "file_id")
    address = member(seen, "file_data") or member(seen, "file_url")
    return parts.media("document", address) if identity is None else parts.file(identity)


def _audio(seen: Any) -> Part:
    held = member(seen, "input_audio")
    return parts.media("audio", member(held, "data"), parts.mime_type("audio", member(held, "format")))


_CONTENT: dict[str, Callable[[Any], Part]] = {
    "input_text": lambda seen: parts.text(member(seen, "text")),
    "output_text": lambda seen: parts.text(member(seen, "text")),
    "text": lambda seen: parts.text(member(seen, "text")),
    "reasoning_text": lambda seen: parts.reasoning(member(seen, "text")),
    "summary_text": lambda seen: parts.reasoning(member(seen, "text")),
    "refusal": lambda seen: parts.refusal(member(seen, "refusal")),
    "input_image": lambda seen: parts.media("image", member(seen, "image_url")),
    "input_video": lambda seen: parts.media("video", member(seen, "video_url")),
    "input_audio": _audio,
    "input_file": _file,
}


def _call(item: Any) -> list[Part]:
    arguments = member(item, "arguments")
    arguments = member(item, "input") if arguments is None else arguments
    return [parts.tool_call(member(item, "call_id"), member(item, "name"), arguments)]


def _output(item: Any) -> list[Part]:
    output = member(item, "output")
    response = list(_spoken(output)) if isinstance(output, list) else output
    return [parts.tool_response(member(item, "call_id"), response)]


def _reasoning(item: Any) -> list[Part]:
    return [*_spoken(member(item, "summary")), *_spoken(member(item, "content"))]


_ITEMS: dict[str, Callable[[Any], list[Part]]] = {
    "message": lambda item: list(_spoken(member(item, "content"))),
    "function_call": _call,
    "custom_tool_call": _call,
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
    "image_generation_call": lambda item: [parts.media("image", member(item, "result"))],
}


class _Pieces:
    """The items of a stream, by the place that they have in the output."""

    def __init__(self) -> None:
        self._begun: dict[int, Any] = {}
        self._done: dict[int, Any] = {}
        self._words: dict[int, dict[tuple[str, int], list[str]]] = {}

    def take(self, event: Any) -> None:
        """Take an event."""
        kind, index = member(event, "type"), place(member(event, "output_index"))
        delta = member(event, "delta")
        if kind == "response.output_item.added":
            self._begun[index] = member(event, "item")
        elif kind == "response.output_item.done":
            self._done[index] = member(event, "item")
        elif isinstance(kind, str) and kind in _DELTAS and isinstance(delta, str):
            inner = place(member(event, "content_index"), place(member(event, "summary_index")))
            self._words.setdefault(index, {}).setdefault((kind, inner), []).append(delta)

    def parts(self) -> Iterator[Part]:
        """Yield what came of each item."""
        for index in sorted(self._done.keys() | self._words.keys()):
            if index in self._done:
                yield from _item(self._done[index])
                continue
            for (kind, _), words in self._words[index].items():
                yield _DELTAS[kind](self._begun.get(index), "".join(words))


def _begun_call(item: Any, written: str) -> Part:
    return parts.tool_call(member(item, "call_id"), member(item, "name"), written)


_DELTAS: dict[str, Callable[[Any, str], Part]] = {
    "response.output_text.delta": lambda _item, words: parts.text(words),
    "response.reasoning_text.delta": lambda _item, words: parts.reasoning(words),
    "response.reasoning_summary_text.delta": lambda _item, words: parts.reasoning(words),
    "response.refusal.delta": lambda _item, words: parts.refusal(words),
    "response.function_call_arguments.delta": _begun_call,
    "response.custom_tool_call_input.delta": _begun_call,
}


RESPONSES = Transcript(asked, said)
