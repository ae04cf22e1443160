"""What a field of somebody else's JSON may be taken for. What is not of its kind, or not plausible, is unknown."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any

import msgspec

Facts = dict[str, Any]
"""Fields of a Call, by name; what is not stated is not in it."""

MAX_TEXT = 512
"""Characters kept of an identifier. OpenRouter allows 256 for the longest, `user` and `session_id`."""
MAX_ITEMS = 64
"""Members kept of a list or an object."""

_MAX_COUNT = 2**63 - 1
_MAX_NUMBER = 1e12
_NUMBERS = frozenset({int, float, Decimal})
_MAX_DIGITS_BEFORE_POINT = 12
_MAX_DIGITS_BEHIND_POINT = 48

Text = Annotated[str, msgspec.Meta(min_length=1, max_length=MAX_TEXT)]
"""What `text` leaves as it is."""
Count = Annotated[int, msgspec.Meta(ge=0, le=_MAX_COUNT)]
"""What `count` leaves as it is."""
Number = Annotated[float, msgspec.Meta(gt=-_MAX_NUMBER, lt=_MAX_NUMBER)]
"""What `number` leaves as it is."""


def text(value: Any, longest: int | None = MAX_TEXT) -> str | None:
    """Return a string that is not empty, cut to `longest` characters if any, that UTF-8 can hold."""
    if not isinstance(value, str) or not value:
        return None
    cut = value[:longest]
    return cut if cut.isascii() else cut.encode("utf-8", "replace").decode("utf-8")


def items(value: Any) -> list[Any]:
    """Return the first members of a list; none of anything else."""
    return value[:MAX_ITEMS] if isinstance(value, list) else []


def listed(value: Any) -> list[Any]:
    """Return a list whole, to be counted; nothing of anything else."""
    return value if isinstance(value, list) else []


def texts(value: Any) -> tuple[str, ...]:
    """Return the strings of a list."""
    return tuple([found for found in map(text, items(value)) if found is not None]) if value else ()


def labels(pairs: Iterable[tuple[Any, Any]]) -> dict[str, str]:
    """Return the pairs of which both sides are strings."""
    found = {name: value for key, seen in pairs if (name := text(key)) and (value := text(seen)) is not None}
    return dict(list(found.items())[:MAX_ITEMS])


def count(value: Any) -> int | None:
    """Return a whole number from 0 to what a database column holds; `True` is no number."""
    found = integer(value)
    return found if found is not None and found >= 0 else None


def integer(value: Any) -> int | None:
    """Return a whole number, negative or not; some languages write `3.0` for 3."""
    if type(value) is Decimal and value.is_finite() and value.copy_abs() <= _MAX_COUNT and value == int(value):
        value = int(value)
    return value if type(value) is int and abs(value) <= _MAX_COUNT else None


def number(value: Any) -> float | None:
    """Return a number that is no amount of money as a float."""
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
    """Return an amount of US dollars, every digit as written, from 0 to under a trillion.

    A JSON number arrives here as `int` or `Decimal`; it has never been a float.
    """
    if type(value) is int:
        value = Decimal(value)
    if type(value) is not Decimal:
        return None
    negative, digits, exponent = value.as_tuple()
    if (negative and value) or not isinstance(exponent, int):  # an infinity and NaN have a letter there
        return None
    if len(digits) + exponent > _MAX_DIGITS_BEFORE_POINT or exponent < -_MAX_DIGITS_BEHIND_POINT:
        return None
    return value.copy_abs() if negative else value


def member(value: Any, key: str) -> Any:
    """Return `value[key]` where `value` is an object that has it, else `None`."""
    return value.get(key) if isinstance(value, dict) else None


def stated(**facts: Any) -> Facts:
    """Return the facts that are known."""
    return {name: value for name, value in facts.items() if value is not None}
