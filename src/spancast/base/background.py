"""Work done off the caller's thread: one worker thread behind a bounded queue.

Constraints: `submit` never blocks on work and takes no lock that is held for long; a full queue refuses the work, and
the caller counts it. A finalizer may call `submit` at any point, even during another `submit`. A forked child does not
take over its parent's work. Once no thread can be started, the work waits for `drain`.
"""

import threading
from collections import deque
from typing import Protocol

from spancast.base import clock, forks, guard
from spancast.base.deadline import Deadline
from spancast.base.threads import Daemon

MAX_WAITING = 1000
"""Pieces of work in the queue."""
MAX_BYTES = 64 * 1024 * 1024
"""Bytes that the work in the queue holds."""
IDLE_SECONDS = 10.0
"""Seconds without work after which the thread ends; the next `submit` starts another."""


class Work(Protocol):
    """A piece of work."""

    @property
    def size(self) -> int:
        """The bytes it holds."""
        ...

    def run(self) -> None:
        """Do the work."""
        ...

    def skip(self) -> None:
        """Give the work up: called instead of `run`, or during a `run` that takes too long."""
        ...


class Background:
    """Runs submitted work in order, in a daemon thread of its own that the first piece of work starts."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._reset()
        forks.in_child(self._reset)

    def _reset(self) -> None:
        self._changed = threading.Condition()  # reentrant, for a finalizer that submits
        self._waiting: deque[tuple[float, Work, int]] = deque()
        self._held = 0
        self._current: tuple[float, Work] | None = None
        self._thread: threading.Thread | None = None
        self._starting = False

    @property
    def is_current_thread(self) -> bool:
        """Whether the caller runs on this object's thread."""
        return self._thread is threading.current_thread()

    def submit(self, work: Work) -> bool:
        """Queue work; return `False` when the queue is full and the work is refused."""
        size = work.size
        with self._changed:
            if len(self._waiting) >= MAX_WAITING or self._held + size > MAX_BYTES:
                return False
            self._waiting.append((clock.now(), work, size))
            self._held += size
            self._wake()
            self._changed.notify_all()
        return True

    def drain(self, timeout: float) -> bool:
        """Wait up to `timeout` seconds until all work is done; return whether it is. The worker thread never waits."""
        deadline = Deadline(timeout)
        with self._changed:
            while self._waiting or self._current is not None:
                if deadline.expired or self.is_current_thread:
                    return False
                if not self._wake():
                    break
                self._changed.wait(deadline.remaining)
        return self._run_here(deadline)

    def is_overdue(self, seconds: float) -> bool:
        """Whether a piece of work was submitted more than `seconds` ago and is not done."""
        with self._changed:
            first = self._current or (self._waiting[0] if self._waiting else None)
            return first is not None and first[0] < clock.now() - seconds

    def give_up(self, seconds: float = 0.0) -> None:
        """Skip the work that was submitted more than `seconds` ago and is not done; `drain` no longer waits for it."""
        until, overdue = clock.now() - seconds, []
        with self._changed:
            if self._current is not None and self._current[0] <= until:
                overdue.append(self._current[1])
                self._current = None
            while self._waiting and self._waiting[0][0] <= until:
                overdue.append(self._next()[1])
        for work in overdue:
            with guard.quietly(self._name):
                work.skip()

    def _wake(self) -> bool:
        """Start a thread if none runs; return whether one runs now."""
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
        _thread.is_ours = True
        changed = self._changed
        while True:
            with changed:
                self._current = None
                changed.notify_all()
                while not self._waiting:
                    if not changed.wait(IDLE_SECONDS) and not self._waiting:
                        self._thread = None
                        return
                self._current = submitted_at, work = self._next()
            with guard.quietly(self._name):
                work.run()
            del work, submitted_at

    def _next(self) -> tuple[float, Work]:
        submitted_at, work, size = self._waiting.popleft()
        self._held -= size
        return submitted_at, work

    def _run_here(self, deadline: Deadline) -> bool:
        """Run the work on the calling thread, since no other can be started."""
        while not deadline.expired:
            with self._changed:
                if not self._waiting:
                    return True
                _, work = self._next()
            with guard.quietly(self._name):
                work.run()
        return not self._waiting


def is_ours() -> bool:
    """Whether the caller runs on the thread of any `Background`."""
    return getattr(_thread, "is_ours", False)


_thread = threading.local()
