"""The shapes that the conventions give the words of a call (semantic-conventions-genai, gen-ai-*-messages.json).

Stricter than their schemas, which take any part for one of an unknown type: a part of a known type is held to it.
"""

from typing import Any

TEXT, OPTIONAL_TEXT, ANYTHING, TYPED = "text", "optional text", "anything", "an object with a type"

PARTS: dict[str, dict[str, str]] = {
    "text": {"content": TEXT},
    "reasoning": {"content": TEXT},
    "tool_call": {"id": OPTIONAL_TEXT, "name": OPTIONAL_TEXT, "arguments": ANYTHING},  # cut streams lack the name
    "tool_call_response": {"id": OPTIONAL_TEXT, "response": ANYTHING},
    "server_tool_call": {"id": OPTIONAL_TEXT, "name": TEXT, "server_tool_call": TYPED},
    "server_tool_call_response": {"id": OPTIONAL_TEXT, "server_tool_call_response": TYPED},
    "blob": {"modality": TEXT, "content": TEXT, "mime_type": OPTIONAL_TEXT, "transcript": OPTIONAL_TEXT},
    "uri": {"modality": TEXT, "uri": TEXT, "mime_type": OPTIONAL_TEXT, "transcript": OPTIONAL_TEXT},
    "file": {"modality": TEXT, "file_id": TEXT, "mime_type": OPTIONAL_TEXT, "transcript": OPTIONAL_TEXT},
    "compaction": {"id": OPTIONAL_TEXT, "content": OPTIONAL_TEXT},
}


def check_messages(messages: Any) -> None:
    """Fail unless this is a list of messages."""
    assert isinstance(messages, list)
    for message in messages:
        assert set(message) <= {"role", "parts", "name", "finish_reason"}
        assert isinstance(message["role"], str)
        assert isinstance(message.get("name", ""), str)
        assert isinstance(message.get("finish_reason", ""), str)
        check_parts(message["parts"])


def check_parts(parts: Any) -> None:
    """Fail unless this is a list of parts."""
    assert isinstance(parts, list)
    for part in parts:
        assert isinstance(part["type"], str)
        for name, kind in PARTS.get(part["type"], {}).items():
            _check(part, name, kind)


def check_tools(tools: Any) -> None:
    """Fail unless this is a list of definitions of tools."""
    assert isinstance(tools, list)
    for tool in tools:
        assert isinstance(tool["type"], str)
        assert isinstance(tool["name"], str)
        assert isinstance(tool.get("description", ""), str)
        assert isinstance(tool.get("parameters", {}), dict)


def _check(part: dict[str, Any], name: str, kind: str) -> None:
    value = part.get(name)
    if kind == TEXT:
        assert isinstance(value, str), part
    elif kind == OPTIONAL_TEXT:
        assert value is None or isinstance(value, str), part
    elif kind == TYPED:
        assert isinstance(value, dict), part
        assert isinstance(value["type"], str), part
    else:
        assert name in part
