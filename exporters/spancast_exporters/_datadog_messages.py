"""The words of a call as Datadog's LLM Observability has them (ddtrace 4.16, `ddtrace.llmobs.types`).

Pictures, sound and files are named where they stood and are not sent.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from spancast_exporters import _json, _openai
from spancast_exporters._openai import Message


def messages(written: object) -> list[dict[str, Any]] | None:
    """Return the conventions' messages; `None` for what are none."""
    return _all(_openai.messages(written))


def documents(written: object) -> list[dict[str, Any]]:
    """Return what was embedded, each input by itself: the conventions have them as the parts of a message."""
    contents = (message.get("content") for message in _openai.messages(written) or ())
    return [
        {"text": text} for each in contents for text in ([each] if isinstance(each, str) else map(_said, each or ()))
    ]


def instructions(written: object) -> list[dict[str, Any]]:
    """Return the conventions' system instructions as messages."""
    return _all(_openai.instructions(written)) or []


def tools(written: object) -> list[dict[str, Any]] | None:
    """Return the conventions' tool definitions."""
    seen = _openai.tools(written)
    return None if seen is None else [_tool(each.get("function", each)) for each in seen]


def _all(seen: list[Message] | None) -> list[dict[str, Any]] | None:
    return None if seen is None else [message for each in seen for message in _message(each)]


def _message(seen: Message) -> Iterator[dict[str, Any]]:
    """Yield what the model thought, as ddtrace has it a message of its own, and the message."""
    if thoughts := seen.get("reasoning"):
        yield {"role": "reasoning", "content": thoughts}
    said = {"role": seen["role"], "content": _content(seen.get("content") or seen.get("refusal"))}
    if seen["role"] == "tool" and "tool_call_id" in seen:
        result = {"name": "", "result": said["content"], "tool_id": seen["tool_call_id"], "type": "tool_result"}
        yield {**said, "content": "", "tool_results": [result]}
    elif calls := seen.get("tool_calls"):
        yield {**said, "tool_calls": list(map(_tool_call, calls))}
    elif said["content"] or not thoughts:
        yield said


def _content(seen: str | list[dict[str, Any]] | None) -> str:
    return seen if isinstance(seen, str) else "\n".join(map(_said, seen or ()))


def _said(part: Mapping[str, Any]) -> str:
    """Return the words of a part, or what stands in their place."""
    kind: str = part["type"]
    if kind == "text":
        return str(part["text"])
    held, named = part[kind], kind.removesuffix("_url")
    address = held.get("url") or held.get("file_id") or held.get("file_data") or ""
    return f"[{named}]" if address.startswith("data:") or not address else f"[{named}: {address}]"


def _tool_call(seen: Mapping[str, Any]) -> dict[str, object]:
    function = seen["function"]
    written = function["arguments"]
    meant = _json.read(written)
    arguments = meant if isinstance(meant, dict) else {"value": written}
    return {"name": function["name"], "arguments": arguments, "tool_id": seen["id"], "type": seen["type"]}


def _tool(seen: Mapping[str, Any]) -> dict[str, Any]:
    schema = seen.get("parameters")
    named = {name: seen[name] if isinstance(seen.get(name), str) else "" for name in ("name", "description")}
    return {**named, "schema": schema} if isinstance(schema, dict) else named
