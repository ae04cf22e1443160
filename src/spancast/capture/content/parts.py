"""The parts of a message in the conventions' shape (semantic-conventions-genai, gen-ai-input-messages.json).

What a part is to hold and is not of its kind is left out, so that whatever was sent, what is kept has that shape.
"""

import re
from collections.abc import Iterator
from typing import Any

from spancast.capture.content import jsontext
from spancast.capture.values import member

Part = dict[str, Any]
Message = dict[str, Any]

_DATA_URL = re.compile(r"data:([\w.+-]{1,64}/[\w.+-]{1,64})?[^,]{0,200}?(;base64)?,")
_MODALITIES = ("image", "video", "audio")
_DEFINED = frozenset(
    {
        *("text", "reasoning", "blob", "uri", "file"),
        *("tool_call", "tool_call_response", "server_tool_call", "server_tool_call_response"),
    }
)
"""The types that the conventions give members; a part that lacks them is none of these."""


def message(role: Any, parts: list[Part], finish_reason: Any = None, name: Any = None) -> Message:
    """Return a message; `finish_reason` is for answers, `name` tells participants of one role apart."""
    stated = {"name": name, "finish_reason": finish_reason}
    return {"role": role if isinstance(role, str) else "user", "parts": parts, **_texts(stated)}


def text(content: Any) -> Part:
    """Return a part of plain words."""
    return _words("text", content)


def reasoning(content: Any) -> Part:
    """Return a part of the model's own thoughts."""
    return _words("reasoning", content)


def refusal(content: Any) -> Part:
    """Return a part in which the model declines."""
    return _words("refusal", content)


def unknown(kind: Any) -> Part:
    """Return a part of which nothing is kept but what it is called."""
    return {"type": kind if isinstance(kind, str) and kind and kind not in _DEFINED else "unknown"}


def tool_call(identity: Any, name: Any, arguments: Any) -> Part:
    """Return a part in which the model asks for a tool; arguments that are JSON are given as what they mean."""
    return {"type": "tool_call", **_texts({"id": identity, "name": name}), "arguments": parsed(arguments)}


def tool_response(identity: Any, response: Any) -> Part:
    """Return a part in which a tool answers."""
    return {"type": "tool_call_response", **_texts({"id": identity}), "response": response}


def server_tool_call(identity: Any, name: Any, call: dict[str, Any]) -> Part:
    """Return a part in which a tool is called where the model runs; `call` says how."""
    named = name if isinstance(name, str) else "unknown"
    return {"type": "server_tool_call", **_texts({"id": identity}), "name": named, "server_tool_call": call}


def server_tool_response(identity: Any, response: dict[str, Any]) -> Part:
    """Return a part in which such a tool answers."""
    return {"type": "server_tool_call_response", **_texts({"id": identity}), "server_tool_call_response": response}


def media(modality: str, address: Any, kind: Any = None) -> Part:
    """Return a part that is no text: its address, or its type and size where it is written down in place."""
    if not isinstance(address, str):
        return unknown(modality)
    written = _DATA_URL.match(address)
    if written is None and "://" in address[:16]:
        return {"type": "uri", "modality": modality, "uri": address, **_texts({"mime_type": kind})}
    kind = written[1] if written is not None and written[1] else kind
    length = len(address) - (written.end() if written is not None else 0)
    return blob(_modality(kind, modality), length if written is not None and not written[2] else length * 3 // 4, kind)


def blob(modality: str, size: int, kind: Any = None) -> Part:
    """Return a part for data of so many bytes, which are not kept."""
    return {"type": "blob", "modality": modality, "content": f"[{size} bytes]", **_texts({"mime_type": kind})}


def mime_type(modality: str, container: Any) -> str | None:
    """Return the type of data in a container such as `wav` or `pdf`."""
    if not isinstance(container, str):
        return None
    return f"{'application' if modality == 'document' else modality}/{container}"


def file(identity: Any, modality: str = "document") -> Part:
    """Return a part that names a file by its id."""
    if not isinstance(identity, str):
        return unknown(modality)
    return {"type": "file", "modality": modality, "file_id": identity}


def texts(value: Any) -> Iterator[Part]:
    """Yield a part of plain words for a string, or for each string of a list."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield text(each)


def tool(seen: Any) -> Part:
    """Return a tool's definition; what has no name is called by its type."""
    function = member(seen, "function") or seen
    kind, name, described = member(seen, "type"), member(function, "name"), member(function, "description")
    kind = kind if isinstance(kind, str) else "function"
    schema = member(function, "parameters") or member(function, "input_schema")
    defined = {"type": kind, "name": name if isinstance(name, str) else kind, **_texts({"description": described})}
    return {**defined, "parameters": schema} if isinstance(schema, dict) else defined


def listed(value: Any) -> list[Any]:
    """Return a list as it is, and nothing of anything else."""
    return value if isinstance(value, list) else []


def place(value: Any, otherwise: int = 0) -> int:
    """Return the place that a piece of a stream names, if it names one."""
    return value if type(value) is int else otherwise


def parsed(written: Any) -> Any:
    """Return what JSON text means, and anything else as it is."""
    if not isinstance(written, str):
        return written
    try:
        return jsontext.read(written)
    except (ValueError, RecursionError):
        return written


def _words(kind: str, content: Any) -> Part:
    return {"type": kind, "content": content} if isinstance(content, str) else unknown(None)


def _texts(stated: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in stated.items() if isinstance(value, str)}


def _modality(kind: Any, otherwise: str) -> str:
    return next((each for each in _MODALITIES if isinstance(kind, str) and kind.startswith(each)), otherwise)
