"""JSON from outside, read once, with money as it was written, and never an exception.

The typed decoder skips what a struct does not name, so that a body's text is neither copied nor walked. What it refuses
and Python's own reader takes (a lone surrogate, `NaN`, UTF-16, an integer of any length) is read by that one.
"""

import json
from decimal import Decimal
from functools import partial
from typing import Any, Generic, TypeVar

import msgspec

T = TypeVar("T", bound=msgspec.Struct)


class Decoder(Generic[T]):
    """Reads objects of one shape; every field of the struct must have a default and take anything."""

    def __init__(self, shape: type[T]) -> None:
        self._shape = shape
        self._fields = msgspec.structs.fields(shape)
        self._decode = msgspec.json.Decoder(shape, float_hook=_decimal).decode

    def __call__(self, data: bytes | msgspec.Raw) -> T | None:
        """Return the object in `data`, which is not copied, or `None` when there is none."""
        try:
            return self._decode(data)
        except (ValueError, RecursionError):
            return self.of(_loads(bytes(data)))

    def of(self, value: Any) -> T | None:
        """Return the same from a member: JSON that is read already, or left as it is written."""
        if isinstance(value, msgspec.Raw):
            return self(value)
        if not isinstance(value, dict):
            return None
        return self._shape(**{field.name: value[field.name] for field in self._fields if field.name in value})


def _loads(data: bytes) -> Any:
    try:
        return _read(data)
    except (ValueError, RecursionError):
        return None


def _read(data: bytes) -> Any:
    try:
        return _json(data)
    except UnicodeDecodeError:  # the client libraries decode an event like this
        return _json(data.decode("utf-8", "replace"))


_MAX_DIGITS = 64


def _decimal(written: str) -> Decimal | None:
    """Return a number as written; one beyond all measure is unknown, and spoils nothing beside it."""
    try:
        return Decimal(written)
    except ArithmeticError:
        return None


def _whole(written: str) -> int | None:
    return int(written) if len(written) <= _MAX_DIGITS else None


_json = partial(json.loads, parse_float=_decimal, parse_int=_whole)
