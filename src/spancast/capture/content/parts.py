"""The parts of a message in the conventions' shape (semantic-conventions-genai, gen-ai-input-messages.json)."""

import json
import re
from collections.abc import Iterator
from typing import Any

from spancast.capture.values import member

Part = dict[str, Any]
Message = dict[str, Any]

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?[^,]{0,200},")
_MODALITIES = ("image", "video", "audio")


def message(role: Any, parts: list[Part], finish_reason: Any = None) -> Message:
    """Return a message; `finish_reason` is for answers."""
    made: Message = {"role": role if isinstance(role, str) else "user", "parts": parts}
    return made | {"finish_reason": finish_reason} if isinstance(finish_reason, str) else made


def text(content: Any) -> Part:
    """Return a part of plain words."""
    return {"type": "text", "content": content}


def reasoning(content: Any) -> Part:
    """Return a part of the model's own thoughts."""
    return {"type": "reasoning", "content": content}


def refusal(content: Any) -> Part:
    """Return a part in which the model declines."""
    return {"type": "refusal", "content": content}


def tool_call(identity: Any, name: Any, arguments: Any) -> Part:
    """Return a part in which the model asks for a tool; arguments that are JSON are given as what they mean."""
    part: Part = {"type": "tool_call", "name": name, "arguments": _parsed(arguments)}
    return part | {"id": identity} if identity is not None else part


def tool_response(identity: Any, response: Any) -> Part:
    """Return a part in which a tool answers."""
    part: Part = {"type": "tool_call_response", "response": response}
    return part | {"id": identity} if identity is not None else part


def media(modality: str, address: Any, kind: Any = None) -> Part:
    """Return a part that is no text: its address, or its type and size where it is written down in place."""
    if not isinstance(address, str):
        return {"type": modality}
    written = _DATA_URL.match(address)
    if written is None and "://" in address[:16]:
        return _with_type({"type": "uri", "modality": modality, "uri": address}, kind)
    kind = written[1] if written is not None and written[1] else kind
    size = (len(address) - (written.end() if written is not None else 0)) * 3 // 4
    blob: Part = {"type": "blob", "modality": _modality(kind, modality), "content": f"[{size} bytes]"}
    return _with_type(blob, kind)


def file(identity: Any, modality: str = "document") -> Part:
    """Return a part that names a file by its id."""
    return {"type": "file", "modality": modality, "file_id": identity}


def texts(value: Any) -> Iterator[Part]:
    """Yield a part of plain words for a string, or for each string of a list."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield text(each)


def function_definition(tool: Any) -> Part:
    """Return a tool's definition; what is no function is named by its type alone."""
    function = member(tool, "function") or tool
    named = {key: member(function, key) for key in ("name", "description", "parameters") if member(function, key)}
    kind = member(tool, "type")
    return {"type": kind if isinstance(kind, str) else "function", **named}


def _with_type(part: Part, kind: Any) -> Part:
    return part | {"mime_type": kind} if isinstance(kind, str) else part


def _modality(kind: Any, otherwise: str) -> str:
    return next((each for each in _MODALITIES if isinstance(kind, str) and kind.startswith(each)), otherwise)


def _parsed(arguments: Any) -> Any:
    if not isinstance(arguments, str):
        return arguments
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
