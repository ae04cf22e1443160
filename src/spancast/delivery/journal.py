"""The front door: the facts of a call go to this process's own segment by one write on the caller's thread.

Constraints: a write may never raise, need a thread, or wait for another process. What was written survives any death of
the process. Format: `frame`. Recovery: the writer holds an exclusive lock on its open segment, which the operating
system gives up when the process dies; a segment that can be locked has no writer and is taken over by the drainer.
Segments are named `<writer>-<number>.seg`; a writer that lives holds the lock of its newest.
"""

import errno
import os
import secrets
import threading
import time
import weakref
from collections import Counter, deque
from pathlib import Path

import msgspec

from spancast import guard, locks
from spancast.delivery import frame
from spancast.folders import private
from spancast.record import Record
from spancast.settings import Durability

ROTATE_AT = 16 * 1024 * 1024
"""Bytes after which a new segment is begun."""
SLOW = 0.1
"""Seconds; after an append that took longer, appends wait in memory until the file system is well again."""
KEPT = 10_000
"""Records that wait in memory at most, while the file system is slow or refuses."""

_encode = msgspec.msgpack.Encoder().encode


def journal_folder(home: Path) -> Path:
    """Return the folder of the segments."""
    return home / "journal"


class Journal:
    """The end of the journal that is this process's own. Any method may be called from any thread or finalizer."""

    def __init__(self, home: Path, durability: Durability = "process") -> None:
        self._folder = journal_folder(home)
        self._durability = durability
        self._begin()
        _journals.add(self)

    def _begin(self) -> None:
        """Take the state of a process that has written nothing yet; a forked child starts here."""
        self._lock = threading.RLock()
        self.writer = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        """The first part of the names of this process's segments."""
        self.appended = 0
        """Records handed to `append`, in this process."""
        self.lost: Counter[str] = Counter()
        """Records dropped, by reason, in this process."""
        self._number = 0
        self._fd: int | None = None
        self._size = 0
        self._synced = 0
        self._unsynced: list[int] = []
        self._syncing: set[int] = set()
        self._waiting: deque[bytes] = deque()
        self._behind = self._durability == "memory"

    def append(self, record: Record) -> None:
        """Keep the record. It is on its way to the disk when this returns, or counted in `lost`."""
        self.appended += 1
        try:
            framed = frame.pack(_encode(record))
        except (ValueError, msgspec.MsgspecError):
            self.lost["unwritable"] += 1
            guard.caught("writing a record")
            return
        with self._lock:
            if self._behind or not self._write(framed):
                self._keep(framed)

    def catch_up(self) -> None:
        """Write what waited for a slow or full file system, and make what was written safe from a loss of power."""
        with self._lock:
            if self._durability != "memory":
                self._behind = False
            while self._waiting and not self._behind and self._write(self._waiting[0]):
                self._waiting.popleft()
            if self._fd is not None and self._size != self._synced:
                self._unsynced.append(os.dup(self._fd))
                self._synced = self._size
        while self._unsynced:
            self._sync_next()

    def _sync_next(self) -> None:
        try:
            fd = self._unsynced.pop(0)
        except IndexError:  # another thread has just taken the last
            return
        self._syncing.add(fd)
        try:
            _sync(fd)
        finally:
            self._syncing.discard(fd)
            os.close(fd)

    def waiting(self) -> tuple[bytes, ...]:
        """Return the records that wait in memory, and forget them: for a drainer in this process."""
        with self._lock:
            records = tuple(self._waiting)
            self._waiting.clear()
            return records

    def close(self) -> None:
        """Write what waits, and give the segment to whichever process drains it; a later `append` begins a new one."""
        with guard.quietly("closing the journal"):
            self.catch_up()
        with self._lock:
            fd, self._fd = self._fd, None
            if fd is not None:
                os.close(fd)

    def before_fork(self) -> None:
        """Finish the write that is under way, so that a child inherits no half-made segment."""
        self._lock.acquire()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: the segments, their locks and the waiting records are the parent's."""
        inherited = [*self._unsynced, *self._syncing, *([] if self._fd is None else [self._fd])]
        self._begin()
        for fd in inherited:
            os.close(fd)

    def _write(self, record: bytes) -> bool:
        try:
            fd = self._segment()
            began = time.perf_counter()
            written = os.write(fd, record)
            if written < len(record):
                os.ftruncate(fd, self._size)
                raise OSError(errno.ENOSPC, f"{written} of {len(record)} bytes were written")  # noqa: TRY301 - see below
            self._size += written
            if self._durability == "power":
                _sync(fd)
            self._behind = time.perf_counter() - began > SLOW
        except OSError:
            self._behind = True
            guard.once_a_minute(
                "journal",
                "%s takes no records; they wait in memory. Is it full or read-only?",
                self._folder,
                exc_info=True,
            )
            return False
        return True

    def _keep(self, record: bytes) -> None:
        if len(self._waiting) >= KEPT:
            self._waiting.popleft()
            self.lost["memory full"] += 1
        self._waiting.append(record)

    def _segment(self) -> int:
        if self._fd is None or self._size >= ROTATE_AT:
            fd = self._open()
            previous, self._fd, self._size, self._synced = self._fd, fd, len(frame.HEAD), 0
            if previous is not None:
                self._unsynced.append(previous)  # its lock is given up when it is closed, behind the sync
        return self._fd

    def _open(self) -> int:
        """Make a segment under a name that no drainer looks at, and give it its own once the lock is held."""
        private(self._folder)
        self._number += 1
        path = self._folder / f"{self.writer}-{self._number:06d}.seg"
        unready = path.with_suffix(".new")
        fd = os.open(unready, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0), 0o600)
        try:
            if not locks.try_lock(fd) or os.write(fd, frame.HEAD) < len(frame.HEAD):
                raise OSError(errno.EIO, "could not be begun", str(unready))  # noqa: TRY301 - as of the calls before it
            unready.rename(path)
        except BaseException:
            os.close(fd)
            raise
        return fd


_sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the second

_journals: "weakref.WeakSet[Journal]" = weakref.WeakSet()


_forking: list[Journal] = []


def _before_fork() -> None:
    _forking[:] = _journals
    for journal in _forking:
        journal.before_fork()


def _after_fork_in_parent() -> None:
    while _forking:
        _forking.pop().after_fork_in_parent()


def _after_fork_in_child() -> None:
    while _forking:
        _forking.pop().after_fork_in_child()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_parent=_after_fork_in_parent, after_in_child=_after_fork_in_child)
