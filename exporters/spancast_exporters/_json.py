"""JSON that every platform can read: money to its last digit, and nothing that makes a platform refuse the request.

Applications put anything on a span: lone surrogates, NaN, integers that no parser accepts. Each becomes the nearest
valid JSON, so that the span arrives, and the others in its request.
"""

import json
import math
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec

from spancast.contract import Reply

_MAX_DEPTH = 64
"""Levels of nesting; parsers commonly accept between 100 and 1000."""
_TOO_DEEP = "[too deep]"
_LARGEST = 2**63
_MAX_ATTACHED_BYTES = 1_000_000
"""Bytes of all that an application attaches to one span; platforms accept 5 MB or more per span, with content."""
_MAX_TEXT = 64_000
"""Characters of each text in it."""
_MAX_INTEGER_BITS = 4_000
"""Larger integers are described instead: Python does not format those of more than 4300 digits."""


def exact(amount: Decimal) -> msgspec.Raw:
    """Return an amount as a JSON number of exactly its digits, in plain notation."""
    return msgspec.Raw(format(amount, "f").encode())


def text(value: str) -> str:
    """Return text that can be encoded, with a question mark for each lone surrogate."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-8", "replace").decode()
    return value


def clean(value: object, level: int = 0) -> object:
    """Return a value as valid JSON types; anything else becomes text."""
    if isinstance(value, Mapping):
        nested = level < _MAX_DEPTH
        return {text(str(key)): clean(each, level + 1) for key, each in value.items()} if nested else _TOO_DEEP
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [clean(each, level + 1) for each in value] if level < _MAX_DEPTH else _TOO_DEEP
    return _scalar(value)


def encoded(value: object) -> bytes:
    """Return a value as JSON, cleaned."""
    return msgspec.json.encode(clean(value))


def dumps(value: object) -> str:
    """Return a value as JSON text, cleaned."""
    return encoded(value).decode()


def dumps_known(values: Mapping[str, object]) -> str | None:
    """Return the values that are not `None` as a JSON object; `None` where there are none."""
    known = without_none(values)
    return dumps(known) if known else None


def without_none(values: Mapping[str, object]) -> dict[str, object]:
    """Return the values that are not `None`."""
    return {name: value for name, value in values.items() if value is not None}


def optional_text(value: object) -> str | None:
    """Return text that can be encoded; `None` for an empty text and for anything else."""
    return text(value) if isinstance(value, str) and value else None


def bounded(values: Mapping[str, object]) -> dict[str, object]:
    """Return as much of what an application attaches to a span as every platform accepts, in order.

    Long text is cut; values that no longer fit are left out.
    """
    kept: dict[str, object] = {}
    left = _MAX_ATTACHED_BYTES
    for name, value in values.items():
        known = clean(value)
        short = known[:_MAX_TEXT] if isinstance(known, str) else known
        size = len(name) + len(encoded(short))
        if size <= left:
            kept[text(name)] = short
            left -= size
    return kept


def read(written: object) -> object:
    """Return the value of JSON text; `None` where it is not JSON, or nested too deeply."""
    if not isinstance(written, str):
        return None
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def decoded(reply: Reply) -> object:
    """Return the JSON value in a reply's body; `None` where it is not JSON."""
    return read(reply.body.decode("utf-8", "replace"))


def answer(reply: Reply) -> Mapping[str, Any]:
    """Return the JSON object in a reply's body; an empty one where there is none."""
    found = decoded(reply)
    return found if isinstance(found, dict) else {}


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
    return str(value) if value.bit_length() <= _MAX_INTEGER_BITS else f"[an integer of {value.bit_length()} bits]"
