"""Removes from a span what Phoenix loses without refusing it (Arize Phoenix 20.26.1).

Phoenix acknowledges a request before it parses it. It loses a span that it cannot parse, with those behind it in the
request, and one that its database cannot store, alone.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import msgspec

from spancast.contract import Generation, Span

_DEEPEST = 64
"""Parts of a name: Phoenix makes a tree of them (`trace/attributes.py`, `unflatten`)."""
_LONGEST_INDEX = 1_000
"""Digits of a part that is a number; Python itself reads none of more than 4300."""
_NUL, _ESCAPED = "\0", "\\u0000"
"""The character that PostgreSQL holds in no text (`db/insertion/span.py`), and how JSON writes it."""
_PARSED = ("metadata", "tool.parameters", "llm.prompt_template.variables")
"""Attributes that Phoenix parses as JSON, or suffixes of their names (`JSON_STRING_ATTRIBUTES`)."""


def readable(span: Span) -> Span:
    """Return the span without what Phoenix cannot read or hold; the same object where nothing changes."""
    found: dict[str, Any] = {
        "name": _text(span.name),
        "status_message": span.status_message and _text(span.status_message),
        "trace_name": span.trace_name and _text(span.trace_name),
        "generation": span.generation and _called(span.generation),
        "attributes": held(span.attributes),
        "content": held(span.content),
    }
    events = [replace(each, name=_text(each.name), attributes=held(each.attributes)) for each in span.events]
    if events != list(span.events):
        found["events"] = events
    changed = {part: value for part, value in found.items() if value is not getattr(span, part)}
    return replace(span, **changed) if changed else span


def _called(call: Generation) -> Generation:
    """Return the call with a generation name that Phoenix can store, since it becomes the span's name."""
    name = call.generation_name
    return msgspec.structs.replace(call, generation_name=_text(name)) if name and _NUL in name else call


def held(stated: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return attributes without what Phoenix cannot read or hold; the same object where nothing changes."""
    kept = {_text(name): _value(name, value) for name, value in stated.items() if _is_read(name)}
    same = len(kept) == len(stated) and all(kept.get(name) is value for name, value in stated.items())
    return stated if same else kept


def _is_read(name: str) -> bool:
    """Whether Phoenix can make a tree of a name: a part that looks like a number must be one."""
    parts = [part.strip() for part in name.split(".")]
    numbers = (part for part in parts if part.isdigit())
    return len(parts) <= _DEEPEST and all(part.isdecimal() and len(part) <= _LONGEST_INDEX for part in numbers)


def _value(name: str, value: Any) -> Any:
    if isinstance(value, str):
        text = _text(value)
        return text.replace(_ESCAPED, "\\ufffd") if _ESCAPED in text and name.endswith(_PARSED) else text
    if isinstance(value, list | tuple) and any(isinstance(each, str) and _NUL in each for each in value):
        return tuple(_text(each) if isinstance(each, str) else each for each in value)
    return value


def _text(value: str) -> str:
    return value.replace(_NUL, "\ufffd") if _NUL in value else value
