"""Detects what an exporter may not use: sockets, files, threads, clocks, the environment.

The interpreter's audit events report sockets, files, threads and processes, however a function was imported (PEP 578).
They do not report clocks, the environment and, before Python 3.12, threads; those functions are replaced meanwhile. A
function of `time` that was imported by its own name escapes; but then the same spans make different requests. Other
threads are not watched.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from typing import Any
from unittest import mock

_EVENTS = (
    "socket.",
    "subprocess.",
    "sqlite3.connect",
    "open",
    *("os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn"),
)
"""Prefixes of the events' names (Python docs, "Audit events table")."""
_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")


class ImpurityError(AssertionError):
    """An exporter did what only the courier may do."""


class _Monitor:
    """Monitors at most one thread."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.used: list[str] = []

    def report(self, what: str) -> None:
        if threading.get_ident() == self.thread:
            self.used.append(what)
            raise ImpurityError(f"{what} was used")


_monitor = _Monitor()


@contextmanager
def pure(what: str) -> Iterator[None]:
    """Raise `ImpurityError` for side effects in this thread, and again at the end in case it was caught inside.

    Args:
        what: what runs inside, for the message.
    """
    _install_hook()
    with ExitStack() as replaced:
        for name in _CLOCKS:
            replaced.enter_context(mock.patch.object(time, name, _reporting(f"time.{name}()", getattr(time, name))))
        start = threading.Thread.start
        replaced.enter_context(mock.patch.object(threading.Thread, "start", _reporting("a thread", start)))
        environ = type(os.environ)
        replaced.enter_context(mock.patch.object(environ, "__getitem__", _reporting("os.environ", environ.__getitem__)))
        _monitor.used = []
        _monitor.thread = threading.get_ident()
        try:
            yield
        finally:
            _monitor.thread = None
    if _monitor.used:
        raise ImpurityError(f"{what} used {_monitor.used[0]}. An exporter is pure: leave it to the courier.")


@cache
def _install_hook() -> None:
    """Add the audit hook, once: it cannot be removed."""
    sys.addaudithook(_on_event)


def _on_event(
    event: str, _: tuple[Any, ...], monitor: _Monitor = _monitor, prefixes: tuple[str, ...] = _EVENTS
) -> None:
    """Report an event; the defaults bind what it needs, for events after this module is torn down."""
    if monitor.thread is not None and event.startswith(prefixes):
        monitor.report(event)


def _reporting(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def reporting(*args: Any, **kwargs: Any) -> Any:
        _monitor.report(what)
        return function(*args, **kwargs)

    return reporting
