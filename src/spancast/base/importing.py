"""Importing functions that settings name as `module:function`."""

from collections.abc import Callable
from importlib import import_module
from inspect import iscoroutinefunction
from typing import Any, cast

from spancast.errors import ConfigurationError


def import_function(where: str, value: object) -> Callable[..., Any]:
    """Return a function as it is, or import the one that `module:function` names; raise `ConfigurationError`."""
    if callable(value):
        return value
    module, name = split_reference(where, value)
    try:
        found = getattr(import_module(module), name)
    except Exception as error:
        raise ConfigurationError(f"{where} names {value!r}, which cannot be imported: {error}. {_CURE}") from error
    if callable(found):
        return cast("Callable[..., Any]", found)
    raise _not_a_function(where, value)


def import_plain_function(where: str, value: object) -> Callable[..., Any]:
    """Do the same for a function that is not awaited; raise `ConfigurationError` for one that would have to be."""
    function = import_function(where, value)
    if iscoroutinefunction(function) or iscoroutinefunction(getattr(function, "__call__", None)):  # noqa: B004 - an instance's
        raise ConfigurationError(f"{where} is a coroutine function, which nobody would await. Give a plain function.")
    return function


def split_reference(where: str, value: object) -> tuple[str, str]:
    """Return the module and the name in `module:function`, without importing it; raise `ConfigurationError`."""
    module, colon, name = value.strip().partition(":") if isinstance(value, str) else ("", "", "")
    if colon and name.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return module, name
    raise _not_a_function(where, value)


def _not_a_function(where: str, value: object) -> ConfigurationError:
    return ConfigurationError.of(where, value, _CURE)


_CURE = 'Give a function, or "module:function" of one that Python can import.'
