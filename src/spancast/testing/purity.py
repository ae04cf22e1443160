"""What an exporter may not do: a socket, a file, a thread, a clock, the environment. Here each of them is caught.

The interpreter's own audit events tell of sockets, files, threads and processes, however a name was imported (PEP 578).
It tells of no clock, of no environment and, before Python 3.12, of no thread; these are replaced for a while. A
function of `time` that was imported by its own name is not seen; what it gives makes the same spans other requests.
Whatever other threads do is theirs.
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
"""How the names of the events begin (Python, "Audit events table")."""
_CLOCKS = ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns", "sleep")


class Impure(AssertionError):  # noqa: N818 - a failed test, named as what is the matter
    """An exporter did what only the courier may do."""


class _Watch:
    """What is watched now: at most one thread."""

    def __init__(self) -> None:
        self.thread: int | None = None
        self.seen: list[str] = []

    def note(self, what: str) -> None:
        if threading.get_ident() == self.thread:
            self.seen.append(what)
            raise Impure(f"{what} was used")


_watch = _Watch()


@contextmanager
def pure(what: str) -> Iterator[None]:
    """Raise `Impure` at whatever touches the world in this thread, and in the end where that was swallowed.

    Args:
        what: what is done within, for the message.
    """
    _hook()
    with ExitStack() as replaced:
        for name in _CLOCKS:
            replaced.enter_context(mock.patch.object(time, name, _noting(f"time.{name}()", getattr(time, name))))
        start = threading.Thread.start
        replaced.enter_context(mock.patch.object(threading.Thread, "start", _noting("a thread", start)))
        environ = type(os.environ)
        replaced.enter_context(mock.patch.object(environ, "__getitem__", _noting("os.environ", environ.__getitem__)))
        _watch.seen = []
        _watch.thread = threading.get_ident()
        try:
            yield
        finally:
            _watch.thread = None
    if _watch.seen:
        raise Impure(f"{what} used {_watch.seen[0]}. An exporter is pure: leave it to the courier.")


@cache
def _hook() -> None:
    """Listen to the interpreter, once: nobody can be told to stop listening."""
    sys.addaudithook(_heard)


def _heard(event: str, _: tuple[Any, ...], watch: _Watch = _watch, watched: tuple[str, ...] = _EVENTS) -> None:
    """Note an event; what it needs is bound, for one after this module has been torn down."""
    if watch.thread is not None and event.startswith(watched):
        watch.note(event)


def _noting(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def noting(*args: Any, **kwargs: Any) -> Any:
        _watch.note(what)
        return function(*args, **kwargs)

    return noting
