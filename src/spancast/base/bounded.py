"""A value of somebody else's as JSON text that ends: so long, so deep, and whatever it holds.

What is left out is marked. An object of another kind is never asked what it is: `str()` of it may be slow, or raise.
"""

import math
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

import msgspec

TRUNCATED = "[truncated]"
"""Stands where something was left out (the mark of OpenRouter's Broadcast)."""

_MOST_BITS = 256
"""Of an integer that is written down; a longer one says nothing."""
_BEYOND_JSON = 2**63
"""An integer from here on is text: most readers take 64 bits."""
_encode = msgspec.json.Encoder(decimal_format="number").encode


def json_text(value: object, longest: int, levels: int) -> str:
    """Return JSON text of about `longest` characters at most, of which no more than `levels` are nested.

    It is as long as its values; the punctuation between them and what JSON escapes come on top.
    """
    return _encode(_Pruning(longest).value(value, levels)).decode()


def encodable(written: str) -> str:
    """Return a text that UTF-8 can hold, and of no class but `str`'s own: `?` for each lone surrogate."""
    return str.__str__(written) if written.isascii() else written.encode("utf-8", "replace").decode()


def whole(number: int) -> int | str:
    """Return an integer as it is where 64 bits hold it, else as text."""
    if -_BEYOND_JSON <= number < _BEYOND_JSON:
        return int(number)
    return int.__repr__(number) if number.bit_length() <= _MOST_BITS else TRUNCATED


def real(number: float) -> float | str:
    """Return a number, or the text `NaN`, `Infinity`, `-Infinity`, which JSON has no number for (protobuf, JSON)."""
    if math.isfinite(number):
        return float(number)
    return "NaN" if math.isnan(number) else f"{'-' if number < 0 else ''}Infinity"


class _Pruning:
    """Walks a value once, and has room for so much of it."""

    def __init__(self, room: int) -> None:
        self._room = room

    def value(self, seen: object, levels: int) -> Any:
        if self._room <= 0:
            return TRUNCATED
        self._room -= 1
        match seen:
            case str():
                return self._text(str.__str__(seen))
            case bytes() | bytearray():
                return self._text(bytes(seen[: self._room]).decode("utf-8", "replace"))
            case dict() | list() | tuple() | set() | frozenset() if levels:
                return self._nested(seen, levels - 1)
        return _plain(seen)

    def _nested(self, seen: Mapping[Any, Any] | Iterable[Any], levels: int) -> Any:
        if isinstance(seen, dict):
            found: dict[str, Any] = {}
            for key, value in dict.items(seen):
                if self._room <= 0:
                    return {**found, TRUNCATED: None}
                name = self._text(str.__str__(key)) if isinstance(key, str) else json_text(key, self._room, 0)
                found[name] = self.value(value, levels)
            return found
        kept: list[Any] = []
        for value in seen:
            if self._room <= 0:
                return [*kept, TRUNCATED]
            kept.append(self.value(value, levels))
        return kept

    def _text(self, written: str) -> str:
        kept = encodable(written[: self._room])
        cut = len(written) > self._room
        self._room -= len(kept)
        return kept + TRUNCATED if cut else kept


def _plain(seen: object) -> Any:
    """Return a value that has no parts."""
    match seen:
        case None | bool():
            return seen
        case int():
            return whole(seen)
        case float():
            return real(seen)
        case Decimal():
            return _amount(seen)
    return TRUNCATED


def _amount(number: Decimal) -> Any:
    """Return a decimal number, to be written with every digit; what is none, or has too many, is text."""
    if not number.is_finite():
        return real(float(number)) if not number.is_snan() else "NaN"
    _, digits, exponent = number.as_tuple()
    return number if len(digits) + abs(int(exponent)) <= _MOST_BITS else TRUNCATED
