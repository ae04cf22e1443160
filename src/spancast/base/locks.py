"""A lock file that one process holds, and that the operating system releases when the process dies."""

import os
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path
from types import TracebackType
from typing import Self

from spancast.base import descriptors, forks
from spancast.base.deadline import Deadline
from spancast.base.descriptors import Held

if sys.platform == "win32":
    import msvcrt

    def unlock(fd: int) -> None:
        """Give the lock back, whoever else has the file open."""
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

    def try_lock(fd: int) -> bool:
        """Take the exclusive lock on an open file; `False` when another process holds it."""
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def unlock(fd: int) -> None:
        """Give the lock back, also where a forked child has a copy of the open file."""
        fcntl.flock(fd, fcntl.LOCK_UN)

    def try_lock(fd: int) -> bool:
        """Take the exclusive lock on an open file; `False` when another open file holds it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def opened(path: Path, flags: int) -> Held:
    """Open a file to lock it, so that no forked child keeps its copy: that would hold the lock when we are gone."""
    with forks.Unforked():
        file = descriptors.held(descriptors.lifted(os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)))
        _opened.add(file)
    return file


def close(file: Held) -> None:
    """Close what `opened` has opened; a forked child has closed it already."""
    with forks.Unforked():
        if file in _opened:
            _opened.discard(file)
            file.close()


_opened: set[Held] = set()


POLL = 0.005
"""Seconds between two tries for a lock that another process holds."""
LONGEST = 30.0
"""Seconds that a block waits for its lock; then the process that holds it is taken to stand still."""

_bound: ContextVar[tuple[int, Deadline] | None] = ContextVar("spancast-patience", default=None)
"""A thread, and until when it may wait. Greenlets of one thread have each their own."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Have no block of this thread wait for locks beyond so many seconds from now: somebody waits for the thread."""
    before = _bound.set((threading.get_ident(), Deadline(patience(seconds))))
    try:
        yield
    finally:
        _bound.reset(before)


def patience(longest: float) -> float:
    """Return for how many seconds this thread may wait for a lock: `longest`, or what is left of `within`."""
    bound = _bound.get()
    if bound is None or bound[0] != threading.get_ident():  # nobody's, or of the thread that has started this one
        return longest
    return min(longest, bound[1].left)


class FileLock:
    """An exclusive lock between processes and between threads, on a file of its own that is never deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: Held | None = None

    def acquire(self, timeout: float = 0.0) -> bool:
        """Try for `timeout` seconds; return whether the lock is held now."""
        file = opened(self._path, os.O_RDWR | os.O_CREAT)
        held = False
        try:
            held = _wait(file.fd, Deadline(timeout))
            if held:
                self._file = file
                _held.add(self)
        finally:
            if not held:
                close(file)
        return held

    def release(self) -> None:
        """Give the lock back; a lock that is not held is left alone."""
        file, self._file = self._file, None
        _held.discard(self)
        if file is not None:
            try:
                if file.is_ours():
                    unlock(file.fd)
            finally:
                close(file)

    def disown(self) -> None:
        """Know of no lock in a forked child; it is its parent's, and stays so."""
        self._file = None

    def __enter__(self) -> Self:
        timeout = patience(LONGEST)
        if not self.acquire(timeout):
            waited = f"{timeout:.1f} seconds"
            raise TimeoutError(f"{self._path} has been locked by another process for {waited}. Is one suspended?")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()


def _wait(fd: int, deadline: Deadline) -> bool:
    """Try for the lock until it is held; return `False` when `deadline` is past before."""
    while not try_lock(fd):
        if deadline.over:
            return False
        time.sleep(POLL)
    return True


_held: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _after_fork() -> None:
    for lock in list(_held):
        lock.disown()
    _held.clear()
    for file in _opened:
        with suppress(OSError):  # one that cannot be closed must not keep the others open
            file.close()
    _opened.clear()


forks.in_child(_after_fork)
