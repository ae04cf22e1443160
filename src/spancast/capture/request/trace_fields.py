"""The `trace` and `metadata` of a request: its place in a trace, and free key-value pairs (OpenRouter docs, Broadcast).

Some keys of `trace` have a meaning; all others, and those of `metadata`, are the application's own. A record of a call
is small, so their values are stored as bounded text; what is cut is marked, and secrets are removed.
"""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

from spancast.base.bounded import TRUNCATED, encodable, json_text
from spancast.base.scrub import REMOVED, names_secret, without_secrets
from spancast.capture.values import Facts, text

MOST = 64
"""Pairs stored of `metadata` and `trace` together."""
LEVELS = 3
"""Levels of nesting stored of a value, as in OpenRouter's Broadcast (its docs, PostHog)."""
LONGEST = 1024
"""Bytes stored of a value, in UTF-8."""
LONGEST_NAME = 256
"""Bytes stored of a key, and of the name of a trace, a span, an environment or a release."""
ROOM = 2048
"""Bytes stored of all of them together."""

_IDS = {"trace_id": ("request_trace_id", 32), "parent_span_id": ("request_parent_span_id", 16)}
"""The fields of a Call, and the number of hex digits of such an id."""
_NAMES = {name: name for name in ("trace_name", "span_name", "generation_name", "environment", "release")}
_KNOWN = _IDS.keys() | _NAMES.keys()
_LONGEST_ID = 128


def trace_facts(trace: Any, metadata: Any) -> Facts:
    """Return what the two members of a request state; each may be any JSON value."""
    if not isinstance(trace, dict) and not isinstance(metadata, dict):
        return {}
    trace = trace if isinstance(trace, dict) else {}
    facts: Facts = {field: _id(trace.get(key), digits) for key, (field, digits) in _IDS.items()}
    facts |= {field: _name(trace.get(key)) for key, field in _NAMES.items()}
    others = {key: value for key, value in trace.items() if key not in _KNOWN or not isinstance(value, str)}
    pairs = metadata if isinstance(metadata, dict) else {}
    room = ROOM - sum(len(each.encode()) for each in facts.values() if each is not None)
    facts["metadata"] = dict(_pairs({**others, **pairs, **others}, room))
    return {field: value for field, value in facts.items() if value}


def _id(value: Any, digits: int) -> str | None:
    """Return an id; in place of a long one the hex digits that `broadcast.hierarchy` derives from it."""
    stated = text(value, None)
    if stated is None or len(stated) <= _LONGEST_ID:
        return stated and without_secrets(stated)
    return sha256(stated.encode()).hexdigest()[:digits]


def _name(value: Any) -> str | None:
    stated = text(value, LONGEST_NAME + _MARGIN)
    return stated and _cut(without_secrets(stated), LONGEST_NAME)


def _pairs(stated: dict[Any, Any], room: int) -> Iterator[tuple[str, str]]:
    """Yield the pairs that fit, then a pair with the number of the others."""
    kept = 0
    for key, value in stated.items():
        name = _name(key)
        if name is None or value is None:
            continue
        left = room - len(name.encode()) - _MARK
        if kept == MOST or left < _LEAST:
            yield TRUNCATED, f"{len(stated) - kept} more"
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
"""The fewest bytes of a value that are worth storing."""
_MARGIN = 256
"""Characters after a cut that are searched for the rest of a secret that begins before it."""


def _cut(written: str, longest: int) -> str:
    """Return a text cut to so many bytes in UTF-8, the mark of the cut included."""
    stored = written.encode()
    if len(stored) <= longest:
        return written
    return stored[: longest - len(TRUNCATED)].decode("utf-8", "ignore") + TRUNCATED
