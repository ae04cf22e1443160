"""The content of POST /messages (Anthropic Messages API): blocks, whole or in deltas."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part, place
from spancast.capture.content.transcript import RequestContent, Transcript
from spancast.capture.values import listed, member


def request_content(request: Any) -> RequestContent:
    """Return the messages, the system instructions and the tools."""
    messages = [
        parts.message(member(each, "role"), list(_blocks(member(each, "content"))))
        for each in listed(member(request, "messages"))
    ]
    tools = [parts.tool(each) for each in listed(member(request, "tools"))]
    return RequestContent(messages, list(_blocks(member(request, "system"))), tools)


def answer_messages(answers: Iterable[Any]) -> list[Message]:
    """Return the message of an answer, its blocks joined from their deltas."""
    blocks: dict[int, _Block] = {}
    reason: Any = None
    for answer in answers:
        kind, index = member(answer, "type"), place(member(answer, "index"))
        if kind == "content_block_start":
            blocks[index] = _Block(member(answer, "content_block"))
        elif kind == "content_block_delta":
            blocks.setdefault(index, _Block(None)).add(member(answer, "delta"))
        else:
            blocks.update((number, _Block(each)) for number, each in enumerate(listed(member(answer, "content"))))
        reason = member(answer, "stop_reason") or member(member(answer, "delta"), "stop_reason") or reason
    found = list(_blocks([block.joined() for _, block in sorted(blocks.items())]))
    return [parts.message("assistant", found, reason)] if found else []


class _Block:
    """One block, which comes whole or in deltas."""

    def __init__(self, start: Any) -> None:
        self._start: dict[str, Any] = start if isinstance(start, dict) else {}
        self._texts: dict[tuple[str, str], list[str]] = {}

    def add(self, delta: Any) -> None:
        """Add a delta."""
        kind = member(delta, "type")
        known = _DELTAS.get(kind) if isinstance(kind, str) else None
        if known is not None and isinstance(text := member(delta, known[0]), str):
            self._texts.setdefault(known[1:], []).append(text)

    def joined(self) -> Any:
        """Return the block as far as it has come."""
        joined = dict(self._start)
        for (kind, name), pieces in self._texts.items():
            before = joined.get(name)
            joined[name] = (before if isinstance(before, str) else "") + "".join(pieces)
            joined.setdefault("type", kind)
        return joined


_DELTAS = {
    "text_delta": ("text", "text", "text"),
    "thinking_delta": ("thinking", "thinking", "thinking"),
    "input_json_delta": ("partial_json", "tool_use", "input"),
    "compaction_delta": ("content", "compaction", "content"),
}
"""By the type of a delta: its member with the text, the type of its block, and the member that the text belongs to."""


def _blocks(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield parts.text(content)
    for block in listed(content):
        kind = member(block, "type")
        make = _BLOCKS.get(kind) if isinstance(kind, str) else None
        if make is not None:
            yield make(block)
        elif isinstance(kind, str) and kind.endswith("_tool_result"):
            yield parts.server_tool_response(member(block, "tool_use_id"), {"type": kind, "content": _content(block)})
        else:
            yield parts.unknown(kind)


def _content(block: Any) -> Any:
    return member(block, "content")


def _source(block: Any) -> Part:
    source, kind = member(block, "source"), member(block, "type")
    source_type = member(source, "type")
    if source_type == "text":
        return parts.text(member(source, "data"))
    if source_type == "file":
        return parts.file(member(source, "file_id"))
    if source_type == "content":
        return {**parts.unknown(kind), "content": list(_blocks(_content(source)))}
    return parts.media(
        "image" if kind == "image" else "document",
        member(source, "url") or member(source, "data"),
        member(source, "media_type"),
    )


def _result(block: Any) -> Part:
    content = _content(block)
    return parts.tool_response(
        member(block, "tool_use_id"), list(_blocks(content)) if isinstance(content, list) else content
    )


def _server_tool(block: Any) -> Part:
    name = member(block, "name")
    call = {"type": name if isinstance(name, str) else "unknown", "input": parts.parsed(member(block, "input"))}
    return parts.server_tool_call(member(block, "id"), name, call)


def _search_result(block: Any) -> Part:
    titled = {"title": member(block, "title"), "source": member(block, "source")}
    return {**parts.unknown(member(block, "type")), **titled, "content": list(_blocks(_content(block)))}


def _compaction(block: Any) -> Part:
    content = _content(block)
    return {**parts.unknown("compaction"), **({"content": content} if isinstance(content, str) else {})}


_BLOCKS: dict[str, Callable[[Any], Part]] = {
    "text": lambda block: parts.text(member(block, "text")),
    "thinking": lambda block: parts.reasoning(member(block, "thinking")),
    "image": _source,
    "document": _source,
    "tool_use": lambda block: parts.tool_call(member(block, "id"), member(block, "name"), member(block, "input")),
    "tool_result": _result,
    "server_tool_use": _server_tool,
    "search_result": _search_result,
    "compaction": _compaction,
}


MESSAGES = Transcript(request_content, answer_messages)
