"""Our faults stay ours: counted, logged once a minute a site, and never raised into the application.

Under our own tests they are raised, so that they cannot hide.
"""

import logging
import threading
import time
from collections import Counter
from types import TracebackType

QUIET_FOR = 60.0
"""Seconds between two log lines of the same site."""

strict = False
"""Raise what is caught. Set by our own tests."""

faults: Counter[str] = Counter()
"""How often each site has failed, in this process."""

_last_logged: dict[str, float] = {}
_log = logging.getLogger("spancast")
_busy = threading.local()


def caught(site: str) -> None:
    """Count, and log once a minute, the exception that is being handled; `site` says what failed, in a few words."""
    if strict:
        raise  # noqa: PLE0704 - called from inside an except block, whose exception this re-raises
    faults[site] += 1
    once_a_minute(site, "%s failed; the application is not affected.", site, exc_info=True)


def once_a_minute(site: str, message: str, *args: object, exc_info: bool = False) -> None:
    """Log a warning, at most once a minute for a `site`, and never from within itself."""
    now = time.monotonic()
    if now - _last_logged.get(site, -QUIET_FOR) < QUIET_FOR or getattr(_busy, "logging", False):
        return
    _last_logged[site] = now
    _busy.logging = True
    try:
        _log.warning(message, *args, exc_info=exc_info)
    except Exception:  # noqa: BLE001 - the application's log handler is not ours to judge
        faults["log"] += 1
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
