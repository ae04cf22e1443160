"""JSON from outside, read once, with money as it was written, and never an exception.

The typed decoder skips what a struct does not name, so that a body's text is neither copied nor walked. Where a member
is not of its kind each one is looked at, and what is odd is left out. What the decoder refuses and Python's own reader
takes (a lone surrogate, `NaN`, UTF-16, an integer of any length) is read by that one.
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
    """Reads objects of one shape; every field of the struct must have a default, for what is not of its kind."""

    def __init__(self, shape: type[T]) -> None:
        self._shape = shape
        self._decode = msgspec.json.Decoder(shape, float_hook=Decimal).decode

    def __call__(self, data: bytes | msgspec.Raw) -> T | None:
        """Return the object in `data`, which is not copied, or `None` when there is none."""
        try:
            return self._decode(data)
        except (ValueError, RecursionError, ArithmeticError):
            return self.of(self._odd(data))

    def of(self, value: Any) -> T | None:
        """Return the same from a member: JSON that is read already, or left as it is written."""
        return self(value) if isinstance(value, msgspec.Raw) else _made(self._shape, value)

    def _odd(self, data: bytes | msgspec.Raw) -> Any:
        try:
            return msgspec.structs.asdict(self._decode_odd(data))
        except (ValueError, RecursionError):
            return _loads(bytes(data))

    @cached_property
    def _decode_odd(self) -> Callable[[bytes | msgspec.Raw], msgspec.Struct]:
        """What takes members of any kind; most programs never meet an odd one."""
        fields = msgspec.structs.fields(self._shape)
        kinds = [(field.name, msgspec.Raw if field.type is msgspec.Raw else Any, None) for field in fields]
        return msgspec.json.Decoder(msgspec.defstruct(self._shape.__name__, kinds), float_hook=_decimal).decode


def _made(shape: type[T], value: Any) -> T | None:
    """Return the struct of an object that is read already; its members that are not of their kind are left out."""
    if not isinstance(value, dict):
        return None
    found = {name: read(seen) for name, read in _readers(shape).items() if (seen := value.get(name)) is not None}
    return shape(**{name: known for name, known in found.items() if known is not None})


@cache
def _readers(shape: type[msgspec.Struct]) -> Mapping[str, Callable[[Any], Any]]:
    return {field.name: _reader(field.type) for field in msgspec.structs.fields(shape)}


def _reader(kind: Any) -> Callable[[Any], Any]:
    """Return what reads a member of a kind that is read already, or `None` of what is of another kind."""
    kinds = [each for each in get_args(kind) if each is not NoneType]
    if NoneType in get_args(kind) and len(kinds) == 1:
        return _reader(kinds[0])
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return partial(_made, kind)
    if get_origin(kind) is list:
        return partial(_listed, _reader(kinds[0]))
    if get_origin(kind) is dict:
        return _object
    return next((read for known, read in _READERS if kind == known), _as_it_is)


_READERS: tuple[tuple[Any, Callable[[Any], Any]], ...] = (
    (Text, text),
    (Count, count),
    (Number, number),
    (bool, flag),
)


def _listed(read: Callable[[Any], Any], seen: Any) -> list[Any]:
    return [known for each in items(seen) if (known := read(each)) is not None]


def _object(seen: Any) -> dict[str, Any] | None:
    return seen if isinstance(seen, dict) else None


def _as_it_is(seen: Any) -> Any:
    return seen


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
