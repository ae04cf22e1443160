"""Decodes untrusted JSON into structs: once, with every digit of a decimal, and without raising.

The typed decoder skips what a struct does not name, so that the text of a body is neither copied nor traversed. Where a
member is of another type than its field, each member is checked, and those of another type are left out. What the
decoder refuses but Python's own parser accepts (a lone surrogate, `NaN`, UTF-16, an integer of any length) is parsed by
that one.
"""

import json
from collections.abc import Callable, Mapping
from decimal import Decimal
from functools import cache, cached_property, partial
from types import NoneType
from typing import Any, Generic, TypeVar, get_args, get_origin

import msgspec

from spancast.capture.values import Count, Number, Text, count, flag, items, number, text

T = TypeVar("T", bound=msgspec.Struct)


class Decoder(Generic[T]):
    """Decodes objects of one struct type, every field of which must have a default, for members of another type."""

    def __init__(self, shape: type[T]) -> None:
        self._shape = shape
        self._decode = msgspec.json.Decoder(shape, float_hook=Decimal).decode

    def __call__(self, data: bytes | msgspec.Raw) -> T | None:
        """Return the object in `data`, which is not copied, or `None` where it is no object."""
        try:
            return self._decode(data)
        except (ValueError, RecursionError, ArithmeticError):
            return self.of(self._loose(data))

    def of(self, value: Any) -> T | None:
        """Return the same from a member: JSON that is parsed already, or left as it is written."""
        return self(value) if isinstance(value, msgspec.Raw) else _made(self._shape, value)

    def _loose(self, data: bytes | msgspec.Raw) -> Any:
        try:
            return msgspec.structs.asdict(self._decode_loose(data))
        except (ValueError, RecursionError):
            return _loads(bytes(data))

    @cached_property
    def _decode_loose(self) -> Callable[[bytes | msgspec.Raw], msgspec.Struct]:
        """Decodes members of any type; it is made when it is first needed, which is rare."""
        fields = msgspec.structs.fields(self._shape)
        kinds = [(field.name, msgspec.Raw if field.type is msgspec.Raw else Any, None) for field in fields]
        return msgspec.json.Decoder(msgspec.defstruct(self._shape.__name__, kinds), float_hook=_decimal).decode


def _made(shape: type[T], value: Any) -> T | None:
    """Return the struct of a parsed object, without the members that are of another type than their field."""
    if not isinstance(value, dict):
        return None
    found = {name: read(raw) for name, read in _readers(shape).items() if (raw := value.get(name)) is not None}
    return shape(**{name: known for name, known in found.items() if known is not None})


@cache
def _readers(shape: type[msgspec.Struct]) -> Mapping[str, Callable[[Any], Any]]:
    return {field.name: _reader(field.type) for field in msgspec.structs.fields(shape)}


def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return what reads a parsed member of a type, and returns `None` for one of another type."""
    kinds = [each for each in get_args(kind) if each is not NoneType]
    if NoneType in get_args(kind) and len(kinds) == 1:
        return _reader(kinds[0])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return partial(_made, kind)
    if get_origin(kind) is list:
        return partial(_list, _reader(kinds[0]))
    if get_origin(kind) is dict:
        return _object
    return next((read for known, read in _READERS if kind == known), _unchanged)


_READERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Text, text),
    (Count, count),
    (Number, number),
    (bool, flag),
)


def _list(read: Callable[[Any], Any], value: Any) -> list[Any]:
    return [known for each in items(value) if (known := read(each)) is not None]


def _object(value: Any) -> dict[str, Any] | None:
    return value if isinstance(value, dict) else None


def _unchanged(value: Any) -> Any:
    return value


def _loads(data: bytes) -> Any:
    try:
        return _read(data)
    except (ValueError, RecursionError):
        return None


def _read(data: bytes) -> Any:
    try:
        return _json(data)
    except UnicodeDecodeError:  # the client libraries decode an event in this way
        return _json(data.decode("utf-8", "replace"))


MAX_DIGITS = 64
"""Digits of an integer that is parsed; a longer one is unknown."""


def _decimal(written: str) -> Decimal | None:
    """Return a number as written; one that a Decimal cannot hold is unknown, and does not affect its siblings."""
    try:
        return Decimal(written)
    except ArithmeticError:
        return None


def _integer(written: str) -> int | None:
    return int(written) if len(written) <= MAX_DIGITS else None


_json = partial(json.loads, parse_float=_decimal, parse_int=_integer)
