"""The content of POST /responses (OpenRouter API, Responses): items in and out, whole or in deltas."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part, place
from spancast.capture.content.transcript import RequestContent, Transcript
from spancast.capture.values import listed, member


def request_content(request: Any) -> RequestContent:
    """Return the input items as messages, the instructions and the tools."""
    given = member(request, "input")
    messages = (
        [parts.message("user", [parts.text(given)])] if isinstance(given, str) else list(map(_message, listed(given)))
    )
    tools = [parts.tool(each) for each in listed(member(request, "tools"))]
    return RequestContent(messages, list(parts.texts(member(request, "instructions"))), tools)


def answer_messages(answers: Iterable[Any]) -> list[Message]:
    """Return one message: the output of a whole response, or what has come of a stream that was cut."""
    stream = _StreamedItems()
    for answer in answers:
        kind, response = member(answer, "type"), member(answer, "response")
        output = listed(member(answer if response is None else response, "output"))
        if output and (kind is None or kind in _WHOLE):
            return _one(each for item in output for each in _item(item))
        stream.add(answer)
    return _one(stream.parts())


_WHOLE = ("response.completed", "response.incomplete", "response.failed")
_NO_PARTS = frozenset({"id", "status", "type"})


def _one(output: Iterable[Part]) -> list[Message]:
    found = list(output)
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
    call = {name: value for name, value in item.items() if name not in _NO_PARTS}
    kind = member(item, "type")
    return parts.server_tool_call(member(item, "id"), member(item, "name") or kind, {"type": kind, **call})


def _content_parts(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield parts.text(content)
    for each in listed(content):
        kind = member(each, "type")
        make = _CONTENT.get(kind) if isinstance(kind, str) else None
        yield parts.unknown(kind) if make is None else make(each)


def _file(value: Any) -> Part:
    identity = member(value, "file_id")
    url = member(value, "file_data") or member(value, "file_url")
    return parts.media("document", url) if identity is None else parts.file(identity)


def _audio(value: Any) -> Part:
    audio = member(value, "input_audio")
    return parts.media("audio", member(audio, "data"), parts.mime_type("audio", member(audio, "format")))


_CONTENT: dict[str, Callable[[Any], Part]] = {
    "input_text": lambda value: parts.text(member(value, "text")),
    "output_text": lambda value: parts.text(member(value, "text")),
    "text": lambda value: parts.text(member(value, "text")),
    "reasoning_text": lambda value: parts.reasoning(member(value, "text")),
    "summary_text": lambda value: parts.reasoning(member(value, "text")),
    "refusal": lambda value: parts.refusal(member(value, "refusal")),
    "input_image": lambda value: parts.media("image", member(value, "image_url")),
    "input_video": lambda value: parts.media("video", member(value, "video_url")),
    "input_audio": _audio,
    "input_file": _file,
}


def _call(item: Any) -> list[Part]:
    arguments = member(item, "arguments")
    arguments = member(item, "input") if arguments is None else arguments
    return [parts.tool_call(member(item, "call_id"), member(item, "name"), arguments)]


def _output(item: Any) -> list[Part]:
    output = member(item, "output")
    response = list(_content_parts(output)) if isinstance(output, list) else output
    return [parts.tool_response(member(item, "call_id"), response)]


def _reasoning(item: Any) -> list[Part]:
    return [*_content_parts(member(item, "summary")), *_content_parts(member(item, "content"))]


_ITEMS: dict[str, Callable[[Any], list[Part]]] = {
    "message": lambda item: list(_content_parts(member(item, "content"))),
    "function_call": _call,
    "custom_tool_call": _call,
    "function_call_output": _output,
    "custom_tool_call_output": _output,
    "reasoning": _reasoning,
    "image_generation_call": lambda item: [parts.media("image", member(item, "result"))],
}


class _StreamedItems:
    """The items of a stream, by their index in the output."""

    def __init__(self) -> None:
        self._added: dict[int, Any] = {}
        self._done: dict[int, Any] = {}
        self._texts: dict[int, dict[tuple[str, int], list[str]]] = {}

    def add(self, event: Any) -> None:
        """Add an event."""
        kind, index = member(event, "type"), place(member(event, "output_index"))
        delta = member(event, "delta")
        if kind == "response.output_item.added":
            self._added[index] = member(event, "item")
        elif kind == "response.output_item.done":
            self._done[index] = member(event, "item")
        elif isinstance(kind, str) and kind in _DELTAS and isinstance(delta, str):
            inner = place(member(event, "content_index"), place(member(event, "summary_index")))
            self._texts.setdefault(index, {}).setdefault((kind, inner), []).append(delta)

    def parts(self) -> Iterator[Part]:
        """Yield the parts of each item, as far as they have come."""
        for index in sorted(self._done.keys() | self._texts.keys()):
            if index in self._done:
                yield from _item(self._done[index])
                continue
            for (kind, _), pieces in self._texts[index].items():
                yield _DELTAS[kind](self._added.get(index), "".join(pieces))


def _unfinished_call(item: Any, arguments: str) -> Part:
    return parts.tool_call(member(item, "call_id"), member(item, "name"), arguments)


_DELTAS: dict[str, Callable[[Any, str], Part]] = {
    "response.output_text.delta": lambda _item, text: parts.text(text),
    "response.reasoning_text.delta": lambda _item, text: parts.reasoning(text),
    "response.reasoning_summary_text.delta": lambda _item, text: parts.reasoning(text),
    "response.refusal.delta": lambda _item, text: parts.refusal(text),
    "response.function_call_arguments.delta": _unfinished_call,
    "response.custom_tool_call_input.delta": _unfinished_call,
}


RESPONSES = Transcript(request_content, answer_messages)
