"""Locks on files: each is held by one process, and released by the operating system when that process dies."""

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

from spancast.base import descriptors, files, forks
from spancast.base.deadline import Deadline
from spancast.base.descriptors import OpenFile

if sys.platform == "win32":
    import msvcrt

    def unlock(fd: int) -> None:
        """Release the lock, whoever else has the file open."""
        os.lseek(fd, 0, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_UNLCK, 1)

    def try_lock(fd: int) -> bool:
        """Take the exclusive lock on an open file; return `False` if another process holds it."""
        try:
            msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def unlock(fd: int) -> None:
        """Release the lock, even if a forked child has inherited the open file."""
        fcntl.flock(fd, fcntl.LOCK_UN)

    def try_lock(fd: int) -> bool:
        """Take the exclusive lock on an open file; return `False` if another open file holds it."""
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def open_lock_file(path: Path, flags: int) -> OpenFile:
    """Open a file to lock it. A forked child closes its copy, which would keep the lock after this process dies."""
    with forks.NoFork():
        fd = os.open(path, flags | getattr(os, "O_CLOEXEC", 0), 0o600)
        if flags & os.O_CREAT:
            files.open_to_owner(fd)
        file = descriptors.identify(descriptors.above_standard_streams(fd))
        _opened.add(file)
    return file


def close(file: OpenFile) -> None:
    """Close a file of `open_lock_file`; a forked child has closed it already."""
    with forks.NoFork():
        if file in _opened:
            _opened.discard(file)
            file.close()


_opened: set[OpenFile] = set()


POLL_SECONDS = 0.005
"""Between two attempts to take a lock that another process holds."""
WAIT_SECONDS = 30.0
"""How long a `with` block waits for its lock; after that, the process that holds it is assumed to hang."""

_bound: ContextVar[tuple[int, Deadline] | None] = ContextVar("spancast-lock-wait", default=None)
"""A thread and its deadline for all lock waits; a context variable, so that each greenlet has its own."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Limit all waits for locks in this block, on this thread, to `seconds` from now."""
    before = _bound.set((threading.get_ident(), Deadline(max_wait(seconds))))
    try:
        yield
    finally:
        _bound.reset(before)


def max_wait(longest: float) -> float:
    """Return the seconds that this thread may wait for a lock: `longest`, or less inside a `within` block."""
    bound = _bound.get()
    if bound is None or bound[0] != threading.get_ident():  # none, or inherited from the thread that started this one
        return longest
    return min(longest, bound[1].remaining)


class FileLock:
    """An exclusive lock between processes and threads, on a file of its own that is never deleted."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: OpenFile | None = None

    def acquire(self, timeout: float = 0.0) -> bool:
        """Try for `timeout` seconds; return whether the lock is held now."""
        file = open_lock_file(self._path, os.O_RDWR | os.O_CREAT)
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
        """Release the lock if it is held."""
        file, self._file = self._file, None
        _held.discard(self)
        if file is not None:
            try:
                if file.is_ours():
                    unlock(file.fd)
            finally:
                close(file)

    def forget(self) -> None:
        """Drop the lock without releasing it: in a forked child, the parent still holds it."""
        self._file = None

    def __enter__(self) -> Self:
        timeout = max_wait(WAIT_SECONDS)
        if not self.acquire(timeout):
            waited = f"{timeout:.1f} seconds"
            raise TimeoutError(f"{self._path} has been locked by another process for {waited}. Is one suspended?")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.release()


@contextmanager
def held_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock on `path` for this block unless another process has it; yield whether it is held."""
    lock = FileLock(path)
    held = lock.acquire()
    try:
        yield held
    finally:
        lock.release()


def _wait(fd: int, deadline: Deadline) -> bool:
    """Try to take the lock until `deadline`; return whether it is held."""
    while not try_lock(fd):
        if deadline.expired:
            return False
        time.sleep(POLL_SECONDS)
    return True


_held: "weakref.WeakSet[FileLock]" = weakref.WeakSet()


def _after_fork() -> None:
    for lock in list(_held):
        lock.forget()
    _held.clear()
    for file in _opened:
        with suppress(OSError):  # the others must be closed all the same
            file.close()
    _opened.clear()


forks.in_child(_after_fork)
