"""The answer that an exception is about, which a hook of the application's or a middleware has refused."""

import asyncio
from collections.abc import Callable
from typing import Any

from spancast.base import guard


def answer_of(error: BaseException, kind: type, is_ours: Callable[[Any], bool]) -> Any:
    """Return the answer, of the client's own `kind`, that an exception names; else the one that was at hand.

    An exception of the application's own names none. The last frame that it passed with an answer had it; what the
    client itself raises is of no answer that it had before, but for those that it names. `None` where there is none, or
    what the application has there cannot be looked at.
    """
    with guard.quietly("hooks.raised"):
        named = getattr(error, "response", None)
        if _is(named, kind):
            return named if is_ours(named) else None
        its_own = isinstance(error, _OF_THE_NETWORK) or _library(type(error)) == _library(kind)
        return None if its_own else _at_hand(error, kind, is_ours)
    return None


_OF_THE_NETWORK = (OSError, asyncio.CancelledError)
"""What is raised on the way, timeouts too; the answers at hand are of earlier steps."""


def _at_hand(error: BaseException, kind: type, is_ours: Callable[[Any], bool]) -> Any:
    found, passed = None, error.__traceback__
    while passed is not None and (passed := passed.tb_next) is not None:  # the first frame is that of our own hook
        for each in passed.tb_frame.f_locals.values():
            if _is(each, kind) and is_ours(each):
                found = each
    return found


def _is(value: object, kind: type) -> bool:
    """Whether a value is of a kind; its own `__class__` is not asked, which may do anything."""
    return issubclass(type(value), kind)


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]
