"""JSON that every platform can read: money to its last digit, and nothing that would spoil a whole request.

What an application puts on a span is its own: text that is no Unicode, numbers that are none, integers that no parser
holds. Each becomes the nearest thing that can be said, so that the span arrives and its neighbours with it.
"""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

import msgspec

_DEEPEST = 64
"""Levels of nesting that are kept; parsers commonly stop between 100 and 1000."""
_TOO_DEEP = "[too deep]"
_LARGEST = 2**63
_ROOM = 1_000_000
"""Bytes of all that an application attaches to one span; platforms take 5 MB and more of one, words included."""
_PIECE = 64_000
"""Characters of one text of it."""
_LONGEST = 4_000
"""Bits of an integer that is written out; Python itself refuses to write those of more than 4300 digits."""


def exact(amount: Decimal) -> msgspec.Raw:
    """Return an amount as a JSON number of exactly its digits, in plain notation."""
    return msgspec.Raw(format(amount, "f").encode())


def text(value: str) -> str:
    """Return text that can be encoded: a question mark stands for each half of a character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode()
    return value


def clean(value: object, level: int = 0) -> object:
    """Return a value as it can be written. What is no JSON becomes text."""
    if isinstance(value, Mapping):
        nested = level < _DEEPEST
        return {text(str(key)): clean(each, level + 1) for key, each in value.items()} if nested else _TOO_DEEP
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [clean(each, level + 1) for each in value] if level < _DEEPEST else _TOO_DEEP
    return _scalar(value)


def encoded(value: object) -> bytes:
    """Return a value as JSON, cleaned."""
    return msgspec.json.encode(clean(value))


def bounded(values: Mapping[str, object]) -> dict[str, object]:
    """Return, of what an application attaches to a span, as much as no platform refuses; the first come first.

    Long text is cut; what does not fit beside the others is left out.
    """
    kept: dict[str, object] = {}
    left = _ROOM
    for name, value in values.items():
        known = clean(value)
        short = known[:_PIECE] if isinstance(known, str) else known
        size = len(name) + len(encoded(short))
        if size <= left:
            kept[text(name)] = short
            left -= size
    return kept


def read(written: object) -> object:
    """Return what JSON text means; `None` for what is none, or too deep."""
    if not isinstance(written, str):
        return None
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def _scalar(value: object) -> object:
    match value:
        case None | bool() | msgspec.Raw():
            return value
        case int():
            return _integer(value)
        case float() if math.isfinite(value):
            return value
        case Decimal() if value.is_finite():
            return exact(value)
    return text(str(value))


def _integer(value: int) -> int | str:
    if -_LARGEST <= value < _LARGEST:
        return value
    return str(value) if value.bit_length() <= _LONGEST else f"[an integer of {value.bit_length()} bits]"
