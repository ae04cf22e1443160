"""The words of POST /messages (Anthropic Messages API): blocks, whole or in pieces."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from spancast.capture.content import parts
from spancast.capture.content.parts import Message, Part
from spancast.capture.content.transcript import Asked, Transcript
from spancast.capture.values import member


def asked(request: Any) -> Asked:
    """Return the messages, the system instructions and the tools."""
    messages = [
        parts.message(member(each, "role"), list(_blocks(member(each, "content"))))
        for each in _list(member(request, "messages"))
    ]
    tools = [_tool(tool) for tool in _list(member(request, "tools"))]
    return Asked(messages, list(_blocks(member(request, "system"))), tools)


def said(answers: Iterable[Any]) -> list[Message]:
    """Return the answer, its blocks joined from their pieces."""
    blocks: dict[Any, dict[str, Any]] = {}
    reason: Any = None
    for answer in answers:
        kind = member(answer, "type")
        if kind == "content_block_start":
            blocks[member(answer, "index")] = dict(member(answer, "content_block") or {})
        elif kind == "content_block_delta":
            _join(blocks.setdefault(member(answer, "index"), {}), member(answer, "delta"))
        elif isinstance(member(answer, "content"), list):
            blocks.update(enumerate(member(answer, "content")))
        reason = member(answer, "stop_reason") or member(member(answer, "delta"), "stop_reason") or reason
    spoken = list(_blocks(list(blocks.values())))
    return [parts.message("assistant", spoken, reason)] if spoken else []


_JOINED = {
    "text_delta": ("text", "text"),
    "thinking_delta": ("thinking", "thinking"),
    "input_json_delta": ("partial_json", "json"),
}
"""Of each kind of piece: the member that has it, and the member of the block that it belongs to."""


def _join(block: dict[str, Any], piece: Any) -> None:
    here, there = _JOINED.get(str(member(piece, "type")), (None, None))
    if here is not None and there is not None and isinstance(member(piece, here), str):
        before = block.get(there)
        block[there] = (before if isinstance(before, str) else "") + member(piece, here)


def _blocks(content: Any) -> Iterator[Part]:
    if isinstance(content, str):
        yield parts.text(content)
    for block in _list(content):
        kind = str(member(block, "type"))
        make = _BLOCKS.get(kind)
        yield {"type": kind} if make is None else make(block)


def _source(block: Any) -> Part:
    source, kind = member(block, "source"), str(member(block, "type"))
    modality = "image" if kind == "image" else "document"
    return parts.media(modality, member(source, "url") or member(source, "data"), member(source, "media_type"))


def _result(block: Any) -> Part:
    content = member(block, "content")
    response = content if isinstance(content, str) else list(_blocks(content))
    return parts.tool_response(member(block, "tool_use_id"), response)


_BLOCKS: dict[str, Callable[[Any], Part]] = {
    "text": lambda block: parts.text(member(block, "text")),
    "thinking": lambda block: parts.reasoning(member(block, "thinking")),
    "image": _source,
    "document": _source,
    "tool_use": lambda block: parts.tool_call(
        member(block, "id"), member(block, "name"), member(block, "json") or member(block, "input")
    ),
    "tool_result": _result,
}


def _tool(seen: Any) -> Part:
    shown = parts.function_definition(seen)
    schema = member(seen, "input_schema")
    return shown | {"parameters": schema} if schema is not None else shown


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


MESSAGES = Transcript(asked, said)
