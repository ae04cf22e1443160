"""Reads values from untrusted JSON: one of another type than expected, or not plausible, is `None`."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from spancast.base.units import INT64_MAX

Facts = dict[str, Any]
"""Fields of a Call by name, as far as they are stated."""

MAX_TEXT = 512
"""Characters stored of an identifier. OpenRouter allows 256 for the longest, `user` and `session_id`."""
MAX_ITEMS = 64
"""Members stored of a list or an object."""

_MAX_COUNT = INT64_MAX
_MAX_NUMBER = 1e12
_NUMBERS = frozenset({int, float, Decimal})
_MAX_DIGITS_BEFORE_POINT = 12
_MAX_DIGITS_AFTER_POINT = 48

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
"""A value that `text` returns unchanged."""
Count = Annotated[int, msgspec.Meta(ge=0, le=_MAX_COUNT)]
"""A value that `count` returns unchanged."""
Number = Annotated[float, msgspec.Meta(gt=-_MAX_NUMBER, lt=_MAX_NUMBER)]
"""A value that `number` returns unchanged."""


def text(value: Any, longest: int | None = MAX_TEXT) -> str | None:
    """Return a non-empty string that UTF-8 can encode, cut to `longest` characters if that is given."""
    if not isinstance(value, str) or not value:
        return None
    cut = value[:longest]
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode("utf-8")


def items(value: Any) -> list[Any]:
    """Return the first members of a list; an empty list for anything else."""
    return value[:MAX_ITEMS] if isinstance(value, list) else []


def listed(value: Any) -> list[Any]:
    """Return a list as it is; an empty list for anything else."""
    return value if isinstance(value, list) else []


def texts(value: Any) -> tuple[str, ...]:
    """Return the strings of a list."""
    return tuple([found for found in map(text, items(value)) if found is not None]) if value else ()


def labels(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Return the pairs whose key and value are strings."""
    found = {name: value for key, raw in pairs if (name := text(key)) and (value := text(raw)) is not None}
    return dict(list(found.items())[:MAX_ITEMS])


def count(value: Any) -> int | None:
    """Return a whole number from 0 to 2**63 - 1; `True` is no number."""
    found = integer(value)
    return found if found is not None and found >= 0 else None


def integer(value: Any) -> int | None:
    """Return a whole number of 64 bits; some languages write `3.0` for 3."""
    if type(value) is Decimal and value.is_finite() and value.copy_abs() <= _MAX_COUNT and value == int(value):
        value = int(value)
    return value if type(value) is int and abs(value) <= _MAX_COUNT else None


def number(value: Any) -> float | None:
    """Return a number as a float; not for amounts of money."""
    if type(value) not in _NUMBERS:
        return None
    try:
        found = float(value)
    except (OverflowError, ValueError):  # an integer of many digits, a signalling NaN
        return None
    return found if -_MAX_NUMBER < found < _MAX_NUMBER else None


def flag(value: Any) -> bool | None:
    """Return a boolean."""
    return value if isinstance(value, bool) else None


def money(value: Any) -> Decimal | None:
    """Return an amount of US dollars from 0 to below a trillion, with every digit as written.

    A JSON number arrives here as `int` or `Decimal`, never as a float.
    """
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal:
        return None
    negative, digits, exponent = value.as_tuple()
    if (negative and value) or not isinstance(exponent, int):  # infinity and NaN have a letter there
        return None
    if len(digits) + exponent > _MAX_DIGITS_BEFORE_POINT or exponent < -_MAX_DIGITS_AFTER_POINT:
        return None
    return value.copy_abs() if negative else value


def member(value: Any, key: str) -> Any:
    """Return `value[key]` where `value` is an object that has it, else `None`."""
    return value.get(key) if isinstance(value, dict) else None


def stated(**facts: Any) -> Facts:
    """Return the facts that are not `None`."""
    return {name: value for name, value in facts.items() if value is not None}
