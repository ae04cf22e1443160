"""Our faults stay ours: counted, logged once a minute a site, and never raised into the application.

A line is what the exception says; where it came from is for whoever sets the logger `spancast` to DEBUG. Under our own
tests it is raised, so that it cannot hide.
"""

import logging
import math
import sys
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from types import TracebackType

from spancast.base import clock, forks
from spancast.base.scrub import without_secrets
from spancast.errors import SpancastError

QUIET_FOR = 60.0
"""Seconds between two log lines of the same site, or of the same exception."""
LONGEST = 300
"""Characters that are logged of what an exception says."""

strict = False
"""Raise what is caught. Set by our own tests."""

faults: Counter[str] = Counter()
"""How often each site has failed, and what was dropped how often, in this process; `count` adds to it."""

_counting = threading.RLock()  # a finalizer may count in the middle of anything
_last_logged: dict[str, float] = {}
"""When each site was logged within the last minute, and what each exception said: of `clock.now`."""
_log = logging.getLogger("spancast")
_busy = threading.local()


def count(what: str) -> None:
    """Count a fault, or what was dropped, under a few words that say what it was."""
    with _counting:
        faults[what] += 1


def caught(site: str) -> None:
    """Count, and log once a minute, the exception that is being handled; `site` says what failed, in a few words."""
    if strict:
        raise  # noqa: PLE0704 - called from inside an except block, whose exception this re-raises
    failed(site, "%s failed; the application is not affected.", site)


def failed(site: str, message: str, *args: object, shown: Callable[[str], str] = str) -> None:
    """Count the exception that is being handled, and log `message` and its words in one line, once a minute.

    One that another site has told within the minute, or that has told itself, is counted alone. The traceback is logged
    at the level DEBUG. What looks like a secret is taken out of both, and so is what `shown` leaves out.
    """
    count(site)
    error = sys.exception()
    if _is_quiet(site) or error is None or getattr(error, "is_told", False):
        return
    words = without_secrets(shown(worded(error)))
    if not _is_quiet(words) and once_a_minute(site, f"{message} %s", *args, words):
        _last_logged[words] = _last_logged[site]
        if _log.isEnabledFor(logging.DEBUG):
            _logged(logging.DEBUG, "%s", without_secrets(shown("".join(traceback.format_exception(error)))))


def once_a_minute(site: str, message: str, *args: object) -> bool:
    """Log a warning, at most once a minute for a `site`, and never from within itself; return whether it was.

    What looks like a secret is taken out of the texts and of others' exceptions among `args`.
    """
    if _is_quiet(site) or getattr(_busy, "logging", False):
        return False
    for each in list(_last_logged):
        if not _is_quiet(each):
            _last_logged.pop(each, None)
    _last_logged[site] = clock.now()
    _logged(logging.WARNING, message, *map(_shown, args))
    return True


def worded(error: BaseException) -> str:
    """Return what an exception says, and where in our code it was raised, in one line that ends."""
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 - an exception of somebody else's may not even be able to say what it is
        said = "?"
    places = [(frame.f_globals.get("__name__"), line) for frame, line in traceback.walk_tb(error.__traceback__)]
    ours = [place for place in places if str(place[0]).startswith("spancast")] or places
    where = " (in {}:{})".format(*ours[-1]) if ours else ""
    return f"{type(error).__name__}: {said[:LONGEST]}{where}"


def _after_fork() -> None:
    global _counting  # noqa: PLW0603 - a thread of the parent may have been counting
    _counting = threading.RLock()


forks.in_child(_after_fork)


def _is_quiet(told: str) -> bool:
    """Whether it was logged within the last minute."""
    return clock.now() - _last_logged.get(told, -math.inf) < QUIET_FOR


def _shown(told: object) -> object:
    """Return what may be logged of an argument; our own errors hold no secret, and name settings such as `api_key=`."""
    foreign = isinstance(told, str | BaseException) and not isinstance(told, SpancastError)
    return without_secrets(str(told)) if foreign else told


def _logged(level: int, message: str, *args: object) -> None:
    _busy.logging = True
    try:
        _log.log(level, message, *args)
    except Exception:  # noqa: BLE001 - the application's log handler is not ours to judge
        count("log")
    finally:
        _busy.logging = False


class quietly:  # noqa: N801 - used like a function, as `contextlib.suppress` is
    """Keep every exception of the block from the caller."""

    __slots__ = ("_site",)

    def __init__(self, site: str) -> None:
        self._site = site

    def __enter__(self) -> None:
        """Begin the block."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> bool:
        """End it; this is the wall."""
        if kind is None or not issubclass(kind, Exception):
            return False
        caught(self._site)
        return True
