"""The words of POST /messages (Anthropic Messages API): blocks, whole or in pieces."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part, listed, place
from spancast.capture.content.transcript import Asked, Transcript
from spancast.capture.values import member


def asked(request: Any) -> Asked:
    """Return the messages, the system instructions and the tools."""
    messages = [
        parts.message(member(each, "role"), list(_blocks(member(each, "content"))))
        for each in listed(member(request, "messages"))
    ]
    tools = [parts.tool(each) for each in listed(member(request, "tools"))]
    return Asked(messages, list(_blocks(member(request, "system"))), tools)


def said(answers: Iterable[Any]) -> list[Message]:
    """Return the answer, its blocks joined from their pieces."""
    blocks: dict[int, _Block] = {}
    reason: Any = None
    for answer in answers:
        kind, index = member(answer, "type"), place(member(answer, "index"))
        if kind == "content_block_start":
            blocks[index] = _Block(member(answer, "content_block"))
        elif kind == "content_block_delta":
            blocks.setdefault(index, _Block(None)).join(member(answer, "delta"))
        else:
            blocks.update((number, _Block(each)) for number, each in enumerate(listed(member(answer, "content"))))
        reason = member(answer, "stop_reason") or member(member(answer, "delta"), "stop_reason") or reason
    spoken = list(_blocks([block.whole() for _, block in sorted(blocks.items())]))
    return [parts.message("assistant", spoken, reason)] if spoken else []


class _Block:
    """One block, whole or in pieces."""

    def __init__(self, begun: Any) -> None:
        self._begun: dict[str, Any] = begun if isinstance(begun, dict) else {}
        self._words: dict[tuple[str, str], list[str]] = {}

    def join(self, piece: Any) -> None:
        """Take a piece."""
        kind = member(piece, "type")
        known = _PIECES.get(kind) if isinstance(kind, str) else None
        if known is not None and isinstance(words := member(piece, known[0]), str):
            self._words.setdefault(known[1:], []).append(words)

    def whole(self) -> Any:
        """Return the block."""
        joined = dict(self._begun)
        for (kind, name), words in self._words.items():
            before = joined.get(name)
            joined[name] = (before if isinstance(before, str) else "") + "".join(words)
            joined.setdefault("type", kind)
        return joined


_PIECES = {
    "text_delta": ("text", "text", "text"),
    "thinking_delta": ("thinking", "thinking", "thinking"),
    "input_json_delta": ("partial_json", "tool_use", "input"),
    "compaction_delta": ("content", "compaction", "content"),
}
"""Of each kind of piece: the member that has it, the block that it belongs to, and the member there."""


def _blocks(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield parts.text(content)
    for block in listed(content):
        kind = member(block, "type")
        make = _BLOCKS.get(kind) if isinstance(kind, str) else None
        if make is not None:
            yield make(block)
        elif isinstance(kind, str) and kind.endswith("_tool_result"):
            yield parts.server_tool_response(member(block, "tool_use_id"), {"type": kind, "content": _held(block)})
        else:
            yield parts.unknown(kind)


def _held(block: Any) -> Any:
    return member(block, "content")


def _source(block: Any) -> Part:
    source, kind = member(block, "source"), member(block, "type")
    held = member(source, "type")
    if held == "text":
        return parts.text(member(source, "data"))
    if held == "file":
        return parts.file(member(source, "file_id"))
    if held == "content":
        return {**parts.unknown(kind), "content": list(_blocks(_held(source)))}
    return parts.media(
        "image" if kind == "image" else "document",
        member(source, "url") or member(source, "data"),
        member(source, "media_type"),
    )


def _result(block: Any) -> Part:
    content = _held(block)
    return parts.tool_response(
        member(block, "tool_use_id"), list(_blocks(content)) if isinstance(content, list) else content
    )


def _server_tool(block: Any) -> Part:
    name = member(block, "name")
    called = {"type": name if isinstance(name, str) else "unknown", "input": parts.parsed(member(block, "input"))}
    return parts.server_tool_call(member(block, "id"), name, called)


def _found(block: Any) -> Part:
    titled = {"title": member(block, "title"), "source": member(block, "source")}
    return {**parts.unknown(member(block, "type")), **titled, "content": list(_blocks(_held(block)))}


def _compaction(block: Any) -> Part:
    words = _held(block)
    return {**parts.unknown("compaction"), **({"content": words} if isinstance(words, str) else {})}


_BLOCKS: dict[str, Callable[[Any], Part]] = {
    "text": lambda block: parts.text(member(block, "text")),
    "thinking": lambda block: parts.reasoning(member(block, "thinking")),
    "image": _source,
    "document": _source,
    "tool_use": lambda block: parts.tool_call(member(block, "id"), member(block, "name"), member(block, "input")),
    "tool_result": _result,
    "server_tool_use": _server_tool,
    "search_result": _found,
    "compaction": _compaction,
}


MESSAGES = Transcript(asked, said)
