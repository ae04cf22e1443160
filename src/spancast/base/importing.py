"""Functions that the settings name."""

from collections.abc import Callable
from importlib import import_module
from typing import Any, cast

from spancast.errors import ConfigurationError


def function(where: str, seen: object) -> Callable[..., Any]:
    """Return a function, or the one that `module:function` names; raise `ConfigurationError` for anything else."""
    if callable(seen):
        return seen
    module, name = spelt(where, seen)
    try:
        found = getattr(import_module(module), name)
    except Exception as error:
        raise ConfigurationError(f"{where} names {seen!r}, which cannot be imported: {error}. {_CURE}") from error
    if callable(found):
        return cast("Callable[..., Any]", found)
    raise _none(where, seen)


def spelt(where: str, seen: object) -> tuple[str, str]:
    """Return the module and the name of `module:function`, without importing it."""
    module, colon, name = seen.strip().partition(":") if isinstance(seen, str) else ("", "", "")
    if colon and name.isidentifier() and all(part.isidentifier() for part in module.split(".")):
        return module, name
    raise _none(where, seen)


def _none(where: str, seen: object) -> ConfigurationError:
    return ConfigurationError.of(where, seen, _CURE)


_CURE = 'Give a function, or "module:function" of one that Python finds.'
