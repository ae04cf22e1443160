"""The parts of a message in the conventions' shape (semantic-conventions-genai, gen-ai-input-messages.json).

Members of another type than the conventions give them are left out, so that parts have that shape whatever was sent.
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
"""The types to which the conventions give members of their own; an unknown part must not be called one of these."""


def message(role: Any, parts: list[Part], finish_reason: Any = None, name: Any = None) -> Message:
    """Return a message; `finish_reason` is for answers, `name` distinguishes participants of one role."""
    stated = {"name": name, "finish_reason": finish_reason}
    return {"role": role if isinstance(role, str) else "user", "parts": parts, **_texts(stated)}


def text(content: Any) -> Part:
    """Return a part of plain text."""
    return _text_part("text", content)


def reasoning(content: Any) -> Part:
    """Return a part of the model's reasoning."""
    return _text_part("reasoning", content)


def refusal(content: Any) -> Part:
    """Return a part in which the model refuses."""
    return _text_part("refusal", content)


def unknown(kind: Any) -> Part:
    """Return a part that holds nothing but its type."""
    return {"type": kind if isinstance(kind, str) and kind and kind not in _DEFINED else "unknown"}


def tool_call(identity: Any, name: Any, arguments: Any) -> Part:
    """Return a part in which the model calls a tool; arguments that are JSON text are parsed."""
    return {"type": "tool_call", **_texts({"id": identity, "name": name}), "arguments": parsed(arguments)}


def tool_response(identity: Any, response: Any) -> Part:
    """Return a part with the result of a tool."""
    return {"type": "tool_call_response", **_texts({"id": identity}), "response": response}


def server_tool_call(identity: Any, name: Any, call: dict[str, Any]) -> Part:
    """Return a part in which a tool is called on the server's side; `call` holds the details."""
    named = name if isinstance(name, str) else "unknown"
    return {"type": "server_tool_call", **_texts({"id": identity}), "name": named, "server_tool_call": call}


def server_tool_response(identity: Any, response: dict[str, Any]) -> Part:
    """Return a part with the result of such a tool."""
    return {"type": "server_tool_call_response", **_texts({"id": identity}), "server_tool_call_response": response}


def media(modality: str, url: Any, kind: Any = None) -> Part:
    """Return a part that is no text: with its URL, or with its type and size where the data is inline."""
    if not isinstance(url, str):
        return unknown(modality)
    written = _DATA_URL.match(url)
    if written is None and "://" in url[:16]:
        return {"type": "uri", "modality": modality, "uri": url, **_texts({"mime_type": kind})}
    kind = written[1] if written is not None and written[1] else kind
    length = len(url) - (written.end() if written is not None else 0)
    return blob(_modality(kind, modality), length if written is not None and not written[2] else length * 3 // 4, kind)


def blob(modality: str, size: int, kind: Any = None) -> Part:
    """Return a part for data of so many bytes, which are not stored."""
    return {"type": "blob", "modality": modality, "content": f"[{size} bytes]", **_texts({"mime_type": kind})}


def mime_type(modality: str, container: Any) -> str | None:
    """Return the MIME type of a container such as `wav` or `pdf`."""
    if not isinstance(container, str):
        return None
    return f"{'application' if modality == 'document' else modality}/{container}"


def file(identity: Any, modality: str = "document") -> Part:
    """Return a part that names a file by its id."""
    if not isinstance(identity, str):
        return unknown(modality)
    return {"type": "file", "modality": modality, "file_id": identity}


def texts(value: Any) -> Iterator[Part]:
    """Yield a text part for a string, or for each string of a list."""
    for each in value if isinstance(value, list) else [value]:
        if isinstance(each, str):
            yield text(each)


def tool(definition: Any) -> Part:
    """Return a tool's definition; one without a name is named after its type."""
    function = member(definition, "function") or definition
    kind, name, described = member(definition, "type"), member(function, "name"), member(function, "description")
    kind = kind if isinstance(kind, str) else "function"
    schema = member(function, "parameters") or member(function, "input_schema")
    defined = {"type": kind, "name": name if isinstance(name, str) else kind, **_texts({"description": described})}
    return {**defined, "parameters": schema} if isinstance(schema, dict) else defined


def place(value: Any, otherwise: int = 0) -> int:
    """Return the index that a delta of a stream states, else `otherwise`."""
    return value if type(value) is int else otherwise


def parsed(written: Any) -> Any:
    """Return the value of JSON text, and anything else as it is."""
    if not isinstance(written, str):
        return written
    try:
        return jsontext.read(written)
    except (ValueError, RecursionError):
        return written


def _text_part(kind: str, content: Any) -> Part:
    return {"type": kind, "content": content} if isinstance(content, str) else unknown(None)


def _texts(stated: dict[str, Any]) -> dict[str, str]:
    return {name: value for name, value in stated.items() if isinstance(value, str)}


def _modality(kind: Any, otherwise: str) -> str:
    return next((each for each in _MODALITIES if isinstance(kind, str) and kind.startswith(each)), otherwise)
