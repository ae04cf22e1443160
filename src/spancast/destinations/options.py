"""Checks an exporter's options against the types of its dataclass's fields.

Options come from Python, from TOML or, as text, from variables. A value of the wrong type is reported when it is read,
not by an exception in the middle of a request. Only simple types are checked.
"""

from collections.abc import Callable, Mapping
from dataclasses import Field
from pathlib import PurePath
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from spancast.destinations.configured import flag
from spancast.errors import ConfigurationError


def checked(
    exporter: str, factory: Callable[..., object], fields: Mapping[str, Field[object] | None], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the given options, with text converted to numbers and booleans where the fields ask for them.

    Raises:
        ConfigurationError: A value has the wrong type. The message shows no value of a field with `repr=False`.
    """
    kinds = _kinds(factory)
    return {
        name: value
        if field is None or name not in kinds
        else _checked(f"{name} of {exporter}", field, kinds[name], value)
        for name, value in given.items()
        for field in (fields.get(name),)
    }


def _kinds(factory: Callable[..., object]) -> Mapping[str, Any]:
    """Return the types of the fields; none if they cannot be resolved, as where only a type checker imports them."""
    try:
        return get_type_hints(factory)
    except Exception:  # noqa: BLE001 - annotations are foreign code
        return {}


def _checked(setting: str, field: Field[object], kind: Any, value: Any) -> Any:
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    if isinstance(value, str) and (field.metadata.get("flag") or (bool in kinds and str not in kinds)):
        return flag(setting, value)
    if any(_is(each, value) for each in kinds):
        return value
    for number in (int, float):
        if number in kinds and isinstance(value, str):
            try:
                return number(value)
            except ValueError:
                continue
    cure = f"Give {' or '.join(filter(None, map(_description, kinds)))}."
    if field.repr:
        raise ConfigurationError.of(setting, value, cure)
    raise ConfigurationError(f"{setting} cannot be {_described(value)}. {cure}")


def _is(kind: Any, value: object) -> bool:
    """Whether a value is of a type, or the type is not one that is checked."""
    origin = get_origin(kind) or kind
    if origin is Literal:
        return value in get_args(kind)
    if origin is Mapping or origin is dict:
        return isinstance(value, Mapping) and (
            get_args(kind) != (str, str) or all(isinstance(each, str) for pair in value.items() for each in pair)
        )
    if origin is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if origin is int:
        return isinstance(value, int) and not isinstance(value, bool)
    if origin in (str, bool, NoneType) or (isinstance(origin, type) and issubclass(origin, PurePath)):
        return isinstance(value, origin)
    return True


def _description(kind: Any) -> str:
    """Return what to give for a type, for an error message; nothing for `None`."""
    origin = get_origin(kind) or kind
    if origin is Literal:
        return " or ".join(map(repr, get_args(kind)))
    if origin is Mapping or origin is dict:
        return 'names and texts, such as {"x-team": "blue"}'
    return _DESCRIPTIONS.get(origin, "" if origin is NoneType else "a path")


_DESCRIPTIONS: Mapping[Any, str] = {str: "a text", bool: "true or false", int: "a whole number", float: "a number"}


def _described(value: object) -> str:
    """Return the type of a value that may hold a secret."""
    if isinstance(value, Mapping):
        others = sorted({type(each).__name__ for pair in value.items() for each in pair} - {"str"})
        return f"a mapping that holds {' and '.join(others)}" if others else "a mapping"
    return f"of the type {type(value).__name__}"
