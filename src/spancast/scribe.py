"""What need not be done on the caller's thread is left to a scribe: one thread, and a queue with an end.

Constraints: leaving work takes no lock that is held for long, and never waits; what finds the queue full is refused,
for the caller to count. A forked child leaves its parent's work to the parent. Where no thread can be started any more,
the work waits for `drain`.
"""

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

from spancast import guard

LONGEST = 1000
"""Pieces of work that wait at most."""
LARGEST = 64 * 1024 * 1024
"""Bytes that waiting work holds at most."""

Work = Callable[[], None]


class Scribe:
    """Does what it is left, in order, in a daemon thread of its own that starts with the first piece of work."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begin()
        _scribes.add(self)

    def _begin(self) -> None:
        self._changed = threading.Condition()
        self._queue: deque[tuple[Work, int]] = deque()
        self._held = 0
        self._busy = False
        self._thread: threading.Thread | None = None

    def leave(self, work: Work, size: int = 0) -> bool:
        """Leave work that holds `size` bytes; return `False` when the queue is full, and the work will not be done."""
        with self._changed:
            if len(self._queue) >= LONGEST or self._held + size > LARGEST:
                return False
            self._queue.append((work, size))
            self._held += size
            if self._thread is None:
                self._start()
            self._changed.notify()
        return True

    def drain(self, timeout: float) -> bool:
        """Wait until all is done; return whether it was within `timeout` seconds."""
        deadline = time.monotonic() + timeout
        with self._changed:
            while self._queue or self._busy:
                if self._thread is None or not self._thread.is_alive():
                    self._start()
                left = deadline - time.monotonic()
                if left <= 0 or self._thread is None:
                    return False
                self._changed.wait(left)
        return True

    def _start(self) -> None:
        thread = threading.Thread(target=self._run, name=self._name, daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down, or the limit of threads is reached
            guard.faults["no thread could be started"] += 1
            return
        self._thread = thread

    def _run(self) -> None:
        changed = self._changed
        while True:
            with changed:
                self._busy = False
                changed.notify_all()
                while not self._queue:
                    changed.wait()
                work, size = self._queue.popleft()
                self._held -= size
                self._busy = True
            with guard.quietly(self._name):
                work()


_scribes: "weakref.WeakSet[Scribe]" = weakref.WeakSet()


def _after_fork() -> None:
    for scribe in list(_scribes):
        scribe._begin()  # noqa: SLF001 - of the same module


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
