"""The answer that an exception is about, which a hook of the application's or a middleware has refused."""

from collections.abc import Callable
from typing import Any


def answer_of(error: BaseException, kind: type, is_ours: Callable[[Any], bool]) -> Any:
    """Return the answer, of the client's own `kind`, that an exception names; else the one that was at hand.

    An exception of the application's own names none. The last frame that it passed with an answer had it; what the
    client itself raises is of no answer that it had before, but for those that it names.
    """
    named = getattr(error, "response", None)
    if isinstance(named, kind):
        return named
    if _library(type(error)) == _library(kind):
        return None
    found, passed = None, error.__traceback__
    while passed is not None:
        for each in passed.tb_frame.f_locals.values():
            if isinstance(each, kind) and is_ours(each):
                found = each
        passed = passed.tb_next
    return found


def _library(kind: type) -> str:
    return kind.__module__.partition(".")[0]
