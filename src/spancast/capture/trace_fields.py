"""What a request says of its place and its circumstances, in `trace` and `metadata` (OpenRouter docs, Broadcast).

Some keys of `trace` have a meaning; all others, and the pairs of `metadata`, are the application's own words. A record
of a call is small: so they are kept as text with an end, what is cut is marked, and no secret is kept.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from spancast.base.bounded import TRUNCATED, encodable, json_text
from spancast.base.scrub import REMOVED, names_secret, without_secrets
from spancast.capture.values import Facts, text

MOST = 64
"""Pairs kept of `metadata` and `trace` together."""
LEVELS = 3
"""Levels of nesting kept in a value, as in OpenRouter's Broadcast (its docs, PostHog)."""
LONGEST = 1024
"""Bytes kept of a value, in UTF-8."""
LONGEST_NAME = 256
"""Bytes kept of a key, and of what names a trace, a span or a release."""
ROOM = 2048
"""Bytes kept of all of them."""

_IDS = {"trace_id": ("request_trace_id", 32), "parent_span_id": ("request_parent_span_id", 16)}
"""The fields of a Call, and how many hex digits an id has."""
_NAMES = {name: name for name in ("trace_name", "span_name", "generation_name", "environment", "release")}
_KNOWN = _IDS.keys() | _NAMES.keys()
_LONGEST_ID = 128


def trace_facts(trace: Any, metadata: Any) -> Facts:
    """Return what the two members of a request say; each may be anything."""
    if not isinstance(trace, dict) and not isinstance(metadata, dict):
        return {}
    trace = trace if isinstance(trace, dict) else {}
    facts: Facts = {field: _id(trace.get(key), digits) for key, (field, digits) in _IDS.items()}
    facts |= {field: _name(trace.get(key)) for key, field in _NAMES.items()}
    others = {key: value for key, value in trace.items() if key not in _KNOWN or not isinstance(value, str)}
    said = metadata if isinstance(metadata, dict) else {}
    room = ROOM - sum(len(each.encode()) for each in facts.values() if each is not None)
    facts["metadata"] = dict(_pairs({**others, **said, **others}, room))
    return {field: value for field, value in facts.items() if value}


def _id(value: Any, digits: int) -> str | None:
    """Return an id; in place of one that is long the digits that it stands for (`broadcast.hierarchy`)."""
    stated = text(value, None)
    if stated is None or len(stated) <= _LONGEST_ID:
        return stated and without_secrets(stated)
    return sha256(stated.encode()).hexdigest()[:digits]


def _name(value: Any) -> str | None:
    stated = text(value, LONGEST_NAME + _MARGIN)
    return stated and _cut(without_secrets(stated), LONGEST_NAME)


def _pairs(said: dict[Any, Any], room: int) -> Iterator[tuple[str, str]]:
    """Yield the pairs for which there is room, then how many there is none for."""
    kept = 0
    for key, value in said.items():
        name = _name(key)
        if name is None or value is None:
            continue
        left = room - len(name.encode()) - _MARK
        if kept == MOST or left < _LEAST:
            yield TRUNCATED, f"{len(said) - kept} more"
            return
        written = _cut(_written(key, value), min(LONGEST, left))
        room -= len(name.encode()) + len(written.encode())
        kept += 1
        yield name, written


def _written(key: str, value: Any) -> str:
    """Return a value as text: a string as it is, anything else as JSON."""
    if value and not isinstance(value, bool) and names_secret(key):
        return REMOVED
    longest = LONGEST + _MARGIN
    stated = encodable(value[:longest]) if isinstance(value, str) else json_text(value, longest, LEVELS)
    return without_secrets(stated)


_MARK = len(TRUNCATED) + len("99999 more")
_LEAST = 16
"""Bytes of a value that are worth to be kept."""
_MARGIN = 256
"""Characters behind a cut in which a secret is looked for that begins before it."""


def _cut(written: str, longest: int) -> str:
    """Return so many bytes of a text at most, the mark included."""
    stored = written.encode()
    if len(stored) <= longest:
        return written
    return stored[: longest - len(TRUNCATED)].decode("utf-8", "ignore") + TRUNCATED
