"""The response that an exception is about, which an application's hook or a middleware has rejected."""

import asyncio
from collections.abc import Callable
from typing import Any

from spancast.base import guard


def response_of(error: BaseException, kind: type, is_ours: Callable[[Any], bool]) -> Any:
    """Return the response, of the client's class `kind`, that an exception refers to or was raised about.

    An exception of the application's own refers to none: the response is then taken from the last frame of its
    traceback that holds one. An exception of the client library, or of the network, is about no earlier response,
    unless it refers to one.

    Returns:
        `None` if there is no such response, or the application's objects cannot be inspected.
    """
    with guard.quietly("hooks.raised"):
        referenced = getattr(error, "response", None)
        if _is_instance(referenced, kind):
            return referenced if is_ours(referenced) else None
        from_client = isinstance(error, _NETWORK_ERRORS) or _library(type(error)) == _library(kind)
        return None if from_client else _in_traceback(error, kind, is_ours)
    return None


_NETWORK_ERRORS = (OSError, asyncio.CancelledError)
"""Errors on the way, timeouts included; responses in their traceback are of earlier steps."""


def _in_traceback(error: BaseException, kind: type, is_ours: Callable[[Any], bool]) -> Any:
    found, traceback = None, error.__traceback__
    while traceback is not None and (traceback := traceback.tb_next) is not None:  # the first frame is our own hook's
        for value in traceback.tb_frame.f_locals.values():
            if _is_instance(value, kind) and is_ours(value):
                found = value
    return found


def _is_instance(value: object, kind: type) -> bool:
    """Return whether a value is of a class, without reading its `__class__`, which may run the application's code."""
    return issubclass(type(value), kind)


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]
