"""The one thread that keeps this process's records moving: journal to disk, segments to shelves, couriers woken.

It looks a few times a second rather than being told: what runs on the caller's thread, or in a finalizer, then touches
no lock but the journal's own.
"""

import os
import sqlite3
import threading
import weakref
from collections.abc import Callable, Sequence

from spancast import guard
from spancast.delivery.drainer import Drainer
from spancast.delivery.journal import Journal

PERIOD = 0.2
"""Seconds between two looks; what was written is safe from a loss of power within two of them."""


class Pump:
    """Runs in a daemon thread of its own, started by the first record of a process, also of a forked one."""

    def __init__(self, journal: Journal, drainer: Drainer, wake: Sequence[Callable[[], None]] = ()) -> None:
        """Move what `journal` has by `drainer`; `wake` are the couriers to tell."""
        self._journal = journal
        self._drainer = drainer
        self._wake = wake
        self._moved = -1
        self._after_fork()
        _pumps.add(self)

    def _after_fork(self) -> None:
        """Know of no thread: a forked child has none but the one that forked."""
        self.running = False
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; where none may be started any more, the next process moves what this one wrote."""
        self.running = True
        self._thread = threading.Thread(target=self._run, name="spancast", daemon=True)
        try:
            self._thread.start()
        except RuntimeError:
            guard.faults["no thread could be started"] += 1

    def stop(self) -> None:
        """End the thread after the turn it is in."""
        self._stop.set()
        if self._thread is not None and self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(1.0)

    def turn(self, timeout: float = 0.0) -> bool:
        """Move all there is; return `False` when another process is at it for `timeout` seconds, or the disk fails."""
        count = self._journal.appended
        try:
            self._journal.catch_up()
            moved = self._drainer.drain(timeout, self._journal)
        except (OSError, sqlite3.Error):
            guard.once_a_minute("moving", "Records cannot be moved into the ledger; they wait.", exc_info=True)
            return False
        if not moved:
            return False
        self._moved = count
        for wake in self._wake:
            wake()
        return True

    def _run(self) -> None:
        while not self._stop.wait(PERIOD):
            if self._journal.appended != self._moved:
                with guard.quietly("moving records"):
                    self.turn()


_pumps: "weakref.WeakSet[Pump]" = weakref.WeakSet()


def _after_fork() -> None:
    for pump in list(_pumps):
        pump._after_fork()  # noqa: SLF001 - of the same module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
