"""What need not be done on the caller's thread is left to another: one thread, and a queue with an end.

Constraints: leaving work takes no lock that is held for long, and never waits; what finds the queue full is refused,
for the caller to count. A finalizer may leave work in the middle of anything, leaving work included. A forked child
leaves its parent's work to the parent. Where no thread can be started any more, the work waits for `drain`.
"""

import threading
from collections import deque
from typing import Protocol

from spancast.base import clock, forks, guard
from spancast.base.deadline import Deadline
from spancast.base.threads import Daemon

LONGEST = 1000
"""Pieces of work that wait at most."""
LARGEST = 64 * 1024 * 1024
"""Bytes that waiting work holds at most."""
IDLE = 10.0
"""Seconds without work after which the thread ends; the next piece starts another."""


class Work(Protocol):
    """A piece of work."""

    @property
    def size(self) -> int:
        """How many bytes it holds."""
        ...

    def do(self) -> None:
        """Do it."""
        ...

    def skip(self) -> None:
        """Do without it: called in its place, or while it is being done where that takes too long."""
        ...


class Background:
    """Does what it is left, in order, in a daemon thread of its own that starts with the first piece of work."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._begin()
        forks.in_child(self._begin)

    def _begin(self) -> None:
        self._changed = threading.Condition()  # its lock may be taken again by whoever has it
        self._waiting: deque[tuple[float, Work, int]] = deque()
        self._held = 0
        self._current: tuple[float, Work] | None = None
        self._thread: threading.Thread | None = None
        self._starting = False

    @property
    def is_here(self) -> bool:
        """Whether this is its own thread."""
        return self._thread is threading.current_thread()

    def leave(self, work: Work) -> bool:
        """Leave work to be done; return `False` when the queue is full, and it will not be."""
        size = work.size
        with self._changed:
            if len(self._waiting) >= LONGEST or self._held + size > LARGEST:
                return False
            self._waiting.append((clock.now(), work, size))
            self._held += size
            self._wake()
            self._changed.notify_all()
        return True

    def drain(self, timeout: float) -> bool:
        """Wait until all is done; return whether it was within `timeout` seconds. Its own thread does not wait."""
        deadline = Deadline(timeout)
        with self._changed:
            while self._waiting or self._current is not None:
                if deadline.over or self.is_here:
                    return False
                if not self._wake():
                    break
                self._changed.wait(deadline.left)
        return self._work_off(deadline)

    def is_late(self, patience: float) -> bool:
        """Whether a piece of work was left longer ago, in seconds, and is not done."""
        with self._changed:
            first = self._current or (self._waiting[0] if self._waiting else None)
            return first is not None and first[0] < clock.now() - patience

    def give_up(self, patience: float = 0.0) -> None:
        """Do without the work that was left longer ago, in seconds, and is not done; it is not waited for any more."""
        until, late = clock.now() - patience, []
        with self._changed:
            if self._current is not None and self._current[0] <= until:
                late.append(self._current[1])
                self._current = None
            while self._waiting and self._waiting[0][0] <= until:
                late.append(self._next()[1])
        for work in late:
            with guard.quietly(self._name):
                work.skip()

    def _wake(self) -> bool:
        """See to it that there is a thread; return whether there is one."""
        if self._starting or (self._thread is not None and self._thread.is_alive()):
            return True
        self._starting, self._current = True, None
        thread = Daemon(self._run, self._name)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is shutting down, or the limit of threads is reached
            guard.count("no thread could be started")
            return False
        finally:
            self._starting = False
        self._thread = thread
        return True

    def _run(self) -> None:
        _here.is_ours = True
        changed = self._changed
        while True:
            with changed:
                self._current = None
                changed.notify_all()
                while not self._waiting:
                    if not changed.wait(IDLE) and not self._waiting:
                        self._thread = None
                        return
                self._current = left, work = self._next()
            with guard.quietly(self._name):
                work.do()
            del work, left

    def _next(self) -> tuple[float, Work]:
        left, work, size = self._waiting.popleft()
        self._held -= size
        return left, work

    def _work_off(self, deadline: Deadline) -> bool:
        """Do on this thread what no other can be started for."""
        while not deadline.over:
            with self._changed:
                if not self._waiting:
                    return True
                _, work = self._next()
            with guard.quietly(self._name):
                work.do()
        return not self._waiting


def is_here() -> bool:
    """Whether this is a background thread of ours, whichever."""
    return getattr(_here, "is_ours", False)


_here = threading.local()
