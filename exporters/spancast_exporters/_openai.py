"""Converts content from the JSON of the GenAI semantic conventions to the messages of OpenAI's Chat Completions.

Platforms show conversations, and find tool calls, in OpenAI's messages. Every function takes the JSON text of an
attribute (`Span.content`) and returns `None` where it is not such JSON, for instance truncated, or another library's.
What OpenAI has no field for keeps OpenRouter's field (`reasoning`, a `video_url`), or becomes a note in brackets:
`[image/png: 1024 bytes]`.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from spancast_exporters import _json

Message = dict[str, Any]
"""A message: `role`, `content`, `name`, `reasoning`, `refusal`, `tool_calls`, or `tool_call_id`."""

_CALLS = ("tool_call", "server_tool_call")
_RESULTS = ("tool_call_response", "server_tool_call_response")


def input_messages(content: Mapping[str, object]) -> list[Message] | None:
    """Return the whole input of the model: the instructions as a system message, and the messages."""
    system = instructions(content.get("gen_ai.system_instructions")) or []
    return system + (messages(content.get("gen_ai.input.messages")) or []) or None


def messages(written: object) -> list[Message] | None:
    """Return the messages of `gen_ai.input.messages` or `gen_ai.output.messages`.

    A message with results of tools becomes one message per result, as in OpenAI's API.
    """
    seen = _objects(_json.read(written))
    return None if seen is None else [message for each in seen for message in _messages(each)]


def choices(written: object) -> list[dict[str, Any]] | None:
    """Return the choices of `gen_ai.output.messages`: `index`, `finish_reason` (which may be `None`) and `message`."""
    seen = _objects(_json.read(written))
    if seen is None:
        return None
    return [
        {"index": index, "finish_reason": _reason(each), "message": _whole(each)} for index, each in enumerate(seen)
    ]


def instructions(written: object) -> list[Message] | None:
    """Return `gen_ai.system_instructions` as one system message."""
    seen = _objects(_json.read(written))
    return [_whole({"role": "system", "parts": seen})] if seen else None


def tools(written: object) -> list[dict[str, Any]] | None:
    """Return the tools of `gen_ai.tool.definitions`; a tool that is not a function stays as it is."""
    seen = _objects(_json.read(written))
    return [_tool(each) for each in seen] if seen else None


def _tool(seen: Mapping[str, Any]) -> dict[str, Any]:
    defined = {name: value for name, value in seen.items() if name != "type"}
    whole = seen.get("type", "function") != "function" or "function" in seen
    return dict(seen) if whole else {"type": "function", "function": defined}


def _reason(seen: Mapping[str, Any]) -> str | None:
    """Return the finish reason of a choice, by OpenAI's name."""
    reason = _text(seen.get("finish_reason"))
    return "tool_calls" if reason == "tool_call" else reason


def _messages(seen: Mapping[str, Any]) -> Iterator[Message]:
    """Yield a message without its tool results, then one message per tool result."""
    parts = _parts(seen)
    answers = [part for part in parts if part.get("type") in _RESULTS]
    spoken = [part for part in parts if part.get("type") not in _RESULTS]
    if spoken or not answers:
        yield _message(seen, spoken)
    yield from map(_answered, answers)


def _whole(seen: Mapping[str, Any]) -> Message:
    """Return everything in a message as one message; results of server tools become text."""
    return _message(seen, _parts(seen))


def _message(seen: Mapping[str, Any], parts: Sequence[Mapping[str, Any]]) -> Message:
    said = [_said(part) for part in parts if part.get("type") not in (*_CALLS, "reasoning", "refusal")]
    calls = [_called(part) for part in parts if part.get("type") in _CALLS]
    found = {"reasoning": _joined(parts, "reasoning"), "refusal": _joined(parts, "refusal"), "tool_calls": calls}
    beside = {name: value for name, value in found.items() if value}
    name = _text(seen.get("name"))
    named = {"name": name} if name else {}
    role = _text(seen.get("role")) or "user"
    return {"role": role, **named, "content": _content(said, silent=bool(beside)), **beside}


def _content(said: list[dict[str, Any]], *, silent: bool) -> str | list[dict[str, Any]] | None:
    """Return the content of a message: its text where that is all, else its parts; without any, as OpenAI does."""
    if not said:
        return None if silent else ""
    return said[0]["text"] if len(said) == 1 and said[0]["type"] == "text" else said


def _called(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a tool call. Its arguments are JSON text, as the model writes them."""
    arguments = part.get("arguments", part.get("server_tool_call"))
    function = {"name": _text(part.get("name")) or "", "arguments": _written({} if arguments is None else arguments)}
    return {"id": _text(part.get("id")) or "", "type": "function", "function": function}


def _answered(part: Mapping[str, Any]) -> Message:
    return {"role": "tool", "tool_call_id": _text(part.get("id")) or "", "content": _response(part)}


def _response(part: Mapping[str, Any]) -> str:
    """Return the result of a tool as text; `result` is an older name of `response`."""
    found = (part.get(name) for name in ("response", "server_tool_call_response", "result"))
    response = next((each for each in found if each is not None), "")
    if isinstance(response, list) and response and all(map(_is_text, response)):
        return "\n".join(each["content"] for each in response)
    return _written(response)


def _said(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return a part of a message's content."""
    kind = part.get("type")
    if kind == "text":
        return _plain(_text(part.get("content")) or "")
    if kind in _RESULTS:
        return _plain(_response(part))
    read = _MEDIA.get(kind) if isinstance(kind, str) else None
    return _plain(f"[{kind or 'unknown'}]") if read is None else read(part)


def _uri(part: Mapping[str, Any]) -> dict[str, Any]:
    return _addressed(part, _text(part.get("uri")) or "")


def _blob(part: Mapping[str, Any]) -> dict[str, Any]:
    """Return inline data. Ours is a note of its size in brackets, which cannot be base64."""
    kind, content = _kind(part), _text(part.get("content")) or ""
    if words := _text(part.get("transcript")):
        return _plain(words)
    if not content or content.startswith("["):
        return _plain(f"[{kind}: {content.strip('[]') or 'no data'}]")
    return _addressed(part, f"data:{kind};base64,{content}")


def _file(part: Mapping[str, Any]) -> dict[str, Any]:
    if words := _text(part.get("transcript")):
        return _plain(words)
    return {"type": "file", "file": {"file_id": _text(part.get("file_id")) or ""}}


def _addressed(part: Mapping[str, Any], address: str) -> dict[str, Any]:
    """Return an image as in OpenAI's API, other media as in OpenRouter's."""
    modality = part.get("modality")
    if modality in ("image", "video", "audio"):
        name = f"{modality}_url"
        return {"type": name, name: {"url": address}}
    return {"type": "file", "file": {"file_data": address}}


_MEDIA: dict[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {"uri": _uri, "blob": _blob, "file": _file}


def _kind(part: Mapping[str, Any]) -> str:
    return _text(part.get("mime_type")) or _text(part.get("modality")) or "data"


def _parts(seen: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the parts of a message; `content`, from earlier conventions, becomes a text part."""
    parts = seen.get("parts")
    if parts is None:
        words = _text(seen.get("content"))
        return [] if words is None else [{"type": "text", "content": words}]
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def _joined(parts: Sequence[Mapping[str, Any]], kind: str) -> str:
    return "\n".join(_text(part.get("content")) or "" for part in parts if part.get("type") == kind)


def _plain(words: str) -> dict[str, Any]:
    return {"type": "text", "text": words}


def _is_text(part: object) -> bool:
    return isinstance(part, dict) and part.get("type") == "text" and isinstance(part.get("content"), str)


def _written(value: object) -> str:
    return value if isinstance(value, str) else _json.dumps(value)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _objects(value: object) -> list[dict[str, Any]] | None:
    return value if isinstance(value, list) and all(isinstance(each, dict) for each in value) else None
