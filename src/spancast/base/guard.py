"""Our own exceptions never reach the application: they are counted, and logged at most once a minute per site.

A log line has the exception's message; the traceback follows at level DEBUG of the logger `spancast`. Our own tests set
`strict`, so that no exception is hidden.
"""

import logging
import math
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from spancast.base import clock, forks, signals
from spancast.base.scrub import without_secrets
from spancast.errors import SpancastError

QUIET_SECONDS = 60.0
"""Between two log lines of the same site, or of the same exception."""
MAX_MESSAGE_CHARS = 300
"""Of an exception's message in the log."""

strict = False
"""Whether to raise what would be caught. Set by our own tests."""

faults: Counter[str] = Counter()
"""Failures by site, and drops by reason, of this process; `count` adds to it."""

_counting = threading.RLock()  # a finalizer may count in the middle of anything
_last_logged: dict[str, float] = {}
"""When each site and each exception's message was last logged, by `clock.now`; within the last minute only."""
_log = logging.getLogger("spancast")
_busy = threading.local()


def count(reason: str) -> None:
    """Count a failure or a drop under a short description."""
    with _counting:
        faults[reason] += 1


def caught(site: str) -> None:
    """Count the exception being handled and log it, once a minute; `site` says in a few words what failed.

    An exception that one of the application's signal handlers raised, such as a time limit, is the application's own
    and is raised again.
    """
    if strict or signals.raised_by_handler(sys.exception()):
        raise  # noqa: PLE0704 - re-raises the exception of the except block that calls this
    log_failure(site, "%s failed; the application is not affected.", site)


def log_failure(site: str, message: str, *args: object, redact: Callable[[str], str] = str) -> None:
    """Count the exception being handled, and log `message` with the exception's own in one line, once a minute.

    An exception that another site logged within the minute, or that marks itself as logged, is only counted. The
    traceback is logged at level DEBUG. What looks like a secret is removed from both, and so is what `redact` removes.
    """
    count(site)
    error = sys.exception()
    if _is_quiet(site) or error is None or getattr(error, "is_logged", False):
        return
    description = without_secrets(redact(describe(error)))
    if not _is_quiet(description) and warn(site, f"{message} %s", *args, description):
        _last_logged[description] = _last_logged[site]
        if _log.isEnabledFor(logging.DEBUG):
            _emit(logging.DEBUG, "%s", without_secrets(redact("".join(traceback.format_exception(error)))))


def warn(site: str, message: str, *args: object) -> bool:
    """Log a warning, at most once a minute per site and never from inside a log handler; return whether it was logged.

    What looks like a secret is removed from strings and foreign exceptions among `args`.
    """
    if _is_quiet(site) or getattr(_busy, "logging", False):
        return False
    for each in list(_last_logged):
        if not _is_quiet(each):
            _last_logged.pop(each, None)
    _last_logged[site] = clock.now()
    _emit(logging.WARNING, message, *map(_without_secrets, args))
    return True


def describe(error: BaseException) -> str:
    """Return an exception's type and message, and where in our code it was raised, in one line of bounded length."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - a foreign exception's `__str__` may fail
        message = "?"
    places = [(frame.f_globals.get("__name__"), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [place for place in places if str(place[0]).startswith("spancast")] or places
    where = " (in {}:{})".format(*ours[-1]) if ours else ""
    return f"{type(error).__name__}: {message[:MAX_MESSAGE_CHARS]}{where}"


def _after_fork() -> None:
    global _counting  # noqa: PLW0603 - a thread of the parent may have been counting
    _counting = threading.RLock()


forks.in_child(_after_fork)


def _is_quiet(site_or_message: str) -> bool:
    """Whether it was logged within the last minute."""
    return clock.now() - _last_logged.get(site_or_message, -math.inf) < QUIET_SECONDS


def _without_secrets(arg: object) -> object:
    """Return what may be logged of an argument; our own errors hold no secret, but name settings such as `api_key=`."""
    is_foreign = isinstance(arg, str | BaseException) and not isinstance(arg, SpancastError)
    return without_secrets(str(arg)) if is_foreign else arg


def _emit(level: int, message: str, *args: object) -> None:
    _busy.logging = True
    try:
        _log.log(level, message, *args)
    except Exception:  # noqa: BLE001 - the application's log handler is not ours to judge
        count("log")
    finally:
        _busy.logging = False


class quietly:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Count and log every exception of the block, instead of raising it."""

    __slots__ = ("_site",)

    def __init__(self, site: str) -> None:
        self._site = site

    def __enter__(self) -> None:
        """Enter the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        """Swallow an `Exception`; others, such as `KeyboardInterrupt`, pass."""
        if kind is None or not issubclass(kind, Exception):
            return False
        caught(self._site)
        return True
