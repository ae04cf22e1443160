"""A lock file that one process holds, and that the operating system releases when the process dies."""

import os
import sys
import time
import weakref
from pathlib import Path
from types import TracebackType
from typing import Self

from spancast import forks

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


POLL = 0.005
"""Seconds between two tries for a lock that another process holds."""


class FileLock:
    """An exclusive lock between processes and between threads, on a file of its own that is never deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self, timeout: float = 0.0) -> bool:
        """Try for `timeout` seconds; return whether the lock is held now."""
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o600)
        held = False
        try:
            held = _wait(fd, time.monotonic() + timeout)
        finally:
            if not held:
                os.close(fd)
        if held:
            self._fd = fd
            _held.add(self)
        return held

    def release(self) -> None:
        """Give the lock back; a lock that is not held is left alone."""
        fd, self._fd = self._fd, None
        _held.discard(self)
        if fd is not None:
            try:
                unlock(fd)
            finally:
                os.close(fd)

    def disown(self) -> None:
        """Close a forked child's copy; the lock is its parent's, and stays so."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def __enter__(self) -> Self:
        if not self.acquire(timeout=30.0):
            raise TimeoutError(f"{self._path} has been locked by another process for 30 seconds. Is one suspended?")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()


def _wait(fd: int, deadline: float) -> bool:
    """Try for the lock until it is held; return `False` when `deadline`, of `time.monotonic()`, is past before."""
    while not try_lock(fd):
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL)
    return True


_held: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _after_fork() -> None:
    for lock in list(_held):
        lock.disown()
    _held.clear()


forks.in_child(_after_fork)
