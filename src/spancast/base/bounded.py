"""Any value as JSON text of bounded length and depth.

What is left out is marked. An object of any other type is never converted: its `str()` may be slow, or raise.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

from spancast.base.units import INT64_MAX

TRUNCATED = "[truncated]"
"""Stands where something was left out (the mark of OpenRouter's Broadcast)."""

_MAX_BITS = 256
"""Of an integer that is written out; a longer one tells a reader nothing."""
_MAX_DIGITS = 256
"""Of a decimal number, zeros included."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


def json_text(value: object, max_chars: int, max_depth: int) -> str:
    """Return a value as JSON text of about `max_chars` characters, nested at most `max_depth` deep.

    The limit counts the values alone; punctuation and JSON's escapes come on top.
    """
    return _encode(_Pruner(max_chars).value(value, max_depth)).decode()


def encodable(text: str) -> str:
    """Return a text as a plain `str` that UTF-8 can encode: `?` for each lone surrogate."""
    return str.__str__(text) if text.isascii() else text.encode("utf-8", "replace").decode()


def whole(number: int) -> int | str:
    """Return an integer as it is if 64 bits hold it, which most readers of JSON take; else as text."""
    if -INT64_MAX - 1 <= number <= INT64_MAX:
        return int(number)
    return int.__repr__(number) if number.bit_length() <= _MAX_BITS else TRUNCATED


def real(number: float) -> float | str:
    """Return a number, or `NaN`, `Infinity`, `-Infinity` as text, since JSON has no such numbers (as protobuf JSON)."""
    if math.isfinite(number):
        return float(number)
    return "NaN" if math.isnan(number) else f"{'-' if number < 0 else ''}Infinity"


class _Pruner:
    """Walks a value once and copies it until its budget of characters is spent."""

    def __init__(self, budget: int) -> None:
        self._budget = budget

    def value(self, value: object, depth: int) -> Any:
        if self._budget <= 0:
            return TRUNCATED
        self._budget -= 1
        match value:
            case str():
                return self._text(str.__str__(value))
            case bytes() | bytearray():
                return self._text(bytes(value[: self._budget]).decode("utf-8", "replace"))
            case dict() | list() | tuple() | set() | frozenset() if depth:
                return self._container(value, depth - 1)
        return _scalar(value)

    def _container(self, container: Mapping[Any, Any] | Iterable[Any], depth: int) -> Any:
        if isinstance(container, dict):
            members: dict[str, Any] = {}
            for key, value in dict.items(container):
                if self._budget <= 0:
                    return {**members, TRUNCATED: None}
                name = self._text(str.__str__(key)) if isinstance(key, str) else json_text(key, self._budget, 0)
                members[name] = self.value(value, depth)
            return members
        items: list[Any] = []
        for value in container:
            if self._budget <= 0:
                return [*items, TRUNCATED]
            items.append(self.value(value, depth))
        return items

    def _text(self, text: str) -> str:
        start = encodable(text[: self._budget])
        is_cut = len(text) > self._budget
        self._budget -= len(start)
        return start + TRUNCATED if is_cut else start


def _scalar(value: object) -> Any:
    match value:
        case None | bool():
            return value
        case int():
            return whole(value)
        case float():
            return real(value)
        case Decimal():
            return _decimal(value)
    return TRUNCATED


def _decimal(number: Decimal) -> Any:
    """Return a number to be written with every digit; as text if it is not finite or has too many digits."""
    if not number.is_finite():
        return real(float(number)) if not number.is_snan() else "NaN"
    _, digits, exponent = number.as_tuple()
    return number if len(digits) + abs(int(exponent)) <= _MAX_DIGITS else TRUNCATED
