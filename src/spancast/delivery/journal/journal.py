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
from collections import deque
from contextlib import suppress
from pathlib import Path

import msgspec

from spancast import guard
from spancast.base import folders, forks, locks
from spancast.content import Content
from spancast.delivery.journal import frame
from spancast.delivery.journal.memory import Memory
from spancast.delivery.journal.starving import Starving
from spancast.record import Record
from spancast.settings import Durability

ROTATE_AT = 16 * 1024 * 1024
"""Bytes after which a new segment is begun."""
SLOW = 0.1
"""Seconds; after an append that took longer, appends wait in memory until the file system is well again."""
SOON = 0.001
"""Seconds until an append first looks again whether it is its turn."""
PATIENCE = 1.0
"""Seconds that an append waits for its turn, or a write for its end, where all that is in the way is the number of
other threads."""
TOGETHER = 64 * 1024
"""Bytes that are written at once, for all threads that append."""
UNATTENDED = 5.0
"""Seconds after which an append looks itself whether the file system is well again, where no other thread does."""

_encode = msgspec.msgpack.Encoder().encode


def journal_folder(home: Path) -> Path:
    """Return the folder of the segments."""
    return home / "journal"


class _Entry:
    """A record that is to be written, by its own thread or by another that has the turn."""

    __slots__ = ("done", "framed", "waits", "written")

    def __init__(self, framed: bytes) -> None:
        self.framed = framed
        self.done = self.written = False
        self.waits = threading.Lock()
        self.waits.acquire()  # until it is done

    def end(self, *, written: bool) -> None:
        """Let its own thread go on."""
        self.written, self.done = written, True
        self.waits.release()


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
        self._writing = False
        self._queue: deque[_Entry] = deque()
        self._puts = 0
        self._starving = Starving()
        self.writer = f"{time.time_ns():016x}{secrets.token_hex(4)}"
        """The first part of the names of this process's segments."""
        self.news = False
        """Whether anything was appended since somebody last set this to `False`."""
        self.waiting = Memory()
        """What waits in memory, and what of it had to be dropped."""
        self._number = 0
        self._fd: int | None = None
        self._size = 0
        self._synced = 0
        self._unsynced: list[int] = []
        self._syncing: set[int] = set()
        self._unlisted = False
        self._file = (0, 0)
        self._behind = self._durability == "memory"
        self._looked_at = time.monotonic()

    def append(self, record: Record) -> None:
        """Keep the record. It is on its way to the disk when this returns, or counted in `waiting.lost`."""
        forks.notice()
        try:
            framed = frame.pack(_encode(record))
        except (ValueError, OverflowError, msgspec.MsgspecError):
            self.waiting.lost["unwritable"] += 1
            guard.caught("writing a record")
            return
        if self._behind and not self._is_attended():
            self._write_waiting()
        if self._behind or not self._write(framed):
            self._keep(record, framed)
        self.news = True

    def catch_up(self) -> None:
        """Write what waited for a slow or full file system, and make what was written safe from a loss of power."""
        if self._durability != "memory":
            self._write_waiting()
            self._leave_what_is_gone()
        with self._lock:
            if self._fd is not None and self._size != self._synced:
                self._unsynced.append(os.dup(self._fd))
                self._synced = self._size
        while self._unsynced:
            self._sync_next()
        self._list()

    def close(self, *, sync: bool = True) -> None:
        """Write what waits, and give the segment to whichever process drains it; a later `append` begins a new one.

        To `sync` is to wait for the disk for as long as that takes. Where a write hangs, the end of the process gives
        the segment back.
        """
        with guard.quietly("closing the journal"):
            if sync:
                self.catch_up()
            elif self._durability != "memory":
                self._write_waiting()
        with guard.quietly("closing the journal"):
            if self.hold():
                try:
                    self._give_back()
                finally:
                    self.go_on()

    def _give_back(self) -> None:
        self._leave_what_is_gone()
        done, self._unsynced = self._unsynced, []
        if self._fd is not None:
            done.append(self._fd)
            self._fd = None
        for fd in done:
            with suppress(OSError):  # one that is closed already must not keep the others open
                os.close(fd)

    def hold(self) -> bool:
        """Let the write under way end, so that a forked child inherits no half-made segment; but wait for no stall."""
        return self._lock.acquire(timeout=SLOW)

    def go_on(self) -> None:
        """Write again, after `hold` has returned `True` to the same thread."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: the segments, their locks and the waiting records are the parent's."""
        inherited = [*self._unsynced, *self._syncing, *([] if self._fd is None else [self._fd])]
        self._begin()
        for fd in inherited:
            with suppress(OSError):  # it may be just closed, by the thread that the child does not have
                os.close(fd)

    def _is_attended(self) -> bool:
        """Whether someone else looks when the file system is well again."""
        return self._durability == "memory" or time.monotonic() - self._looked_at < UNATTENDED

    def _keep(self, record: Record, framed: bytes) -> None:
        words = isinstance(record, Content)
        if not self.waiting.add(framed, words=words) and isinstance(record, Content):
            self.waiting.add(frame.pack(_encode(Content(call_id=record.call_id))))  # so that nobody waits for them

    def _write(self, framed: bytes) -> bool:
        """Write the record; return `False` when it has to wait in memory.

        A finalizer or a signal handler that appends in the middle of an append of the same thread waits too: the append
        that it interrupted writes both.
        """
        if not self._lock.acquire(blocking=False):
            return self._write_among_others(framed)
        try:
            return not self._writing and self._write_now(framed)
        finally:
            self._lock.release()

    def _write_now(self, framed: bytes) -> bool:
        self._writing = True
        try:
            written = self._put(framed)
            if written and self._queue:
                self._put_queued()
            while written and self.waiting and not self._behind:
                written = self._put_waiting()
        finally:
            self._writing = False
        return written

    def _write_among_others(self, framed: bytes) -> bool:
        """Have the record written by whichever thread has the turn: all that are queued are one write."""
        entry = _Entry(framed)
        self._queue.append(entry)
        if self._has_turn(entry):
            try:
                self._write_queue(entry)
            finally:
                self._lock.release()
        self._withdraw(entry)
        return entry.written

    def _has_turn(self, entry: _Entry) -> bool:
        """Wait for the turn to write; return `False` when another thread has written the record, or the disk stalls.

        The turn is not queued for: each in the queue would have to run once to find that its record is written.
        """
        now = looked = time.monotonic()
        until, puts, pause = now + PATIENCE, self._puts, SOON
        while not entry.waits.acquire(timeout=pause):
            if self._lock.acquire(blocking=False):
                return True
            now, pause = time.monotonic(), min(2 * pause, SLOW)
            if now - looked >= SLOW:
                if (self._puts == puts and not self._starving.is_so()) or now > until:
                    self._behind = True
                    return False
                looked, puts = now, self._puts
        return False

    def _withdraw(self, entry: _Entry) -> None:
        """Take a record back that nobody has taken up; one that was is kept twice, and booked once."""
        if not entry.done:
            with suppress(ValueError):
                self._queue.remove(entry)

    def _write_queue(self, entry: _Entry) -> None:
        """Write what all threads have queued, until this record is among it, or gone with one who failed at that."""
        self._writing = True
        try:
            while self._queue and not entry.done:
                self._put_queued()
        finally:
            self._writing = False

    def _put_queued(self) -> None:
        taken, size = [], 0
        while self._queue and size < TOGETHER:
            with suppress(IndexError):  # its own thread has just withdrawn it
                taken.append(self._queue.popleft())
                size += len(taken[-1].framed)
        written = False
        try:
            written = not taken or self._put(b"".join(each.framed for each in taken))
        finally:
            for each in taken:
                each.end(written=written)

    def _write_waiting(self) -> None:
        """Write what waits, oldest first. Appends meanwhile wait behind it, so that they feel none of this."""
        self._looked_at = time.monotonic()
        if not self._lock.acquire(timeout=SLOW):
            return
        try:
            if self._writing:
                return
            self._writing = True
            try:
                if self._queue:
                    self._put_queued()  # its own thread was interrupted
                while self.waiting:
                    if not self._put_waiting():
                        return
                self._behind = self._behind and not self._is_well()
            finally:
                self._writing = False
        finally:
            self._lock.release()

    def _put_waiting(self) -> bool:
        oldest = self.waiting.oldest(TOGETHER)
        written = not oldest or self._put(b"".join(oldest))
        if written:
            for framed in oldest:
                self.waiting.remove(framed)
        return written

    def _is_well(self) -> bool:
        """Whether the file system answers at once again."""
        if self._fd is None:
            return True
        began = time.perf_counter()
        with suppress(OSError):
            os.utime(self._fd)
        return time.perf_counter() - began < SLOW or self._starving.is_so()

    def _put(self, framed: bytes) -> bool:
        began = time.perf_counter()
        try:
            fd = self._segment()
            written = os.write(fd, framed)
            if written < len(framed):
                os.ftruncate(fd, self._size)
                raise OSError(errno.ENOSPC, f"{written} of {len(framed)} bytes were written")  # noqa: TRY301 - see below
            self._size += written
            self._puts += 1
            if self._durability == "power":
                _sync(fd)
                self._synced = self._size
                self._list()
        except OSError:
            self._behind = True
            guard.failed("journal", "%s takes no records; they wait in memory. Is it full or read-only?", self._folder)
            return False
        took = time.perf_counter() - began
        if took > PATIENCE or (took > SLOW and not self._starving.is_so()):
            self._behind = True
            guard.count("slow append")
        return True

    def _segment(self) -> int:
        if self._fd is None or self._size >= ROTATE_AT:
            fd = self._open()
            previous, self._fd, self._size, self._synced = self._fd, fd, len(frame.HEAD), 0
            if previous is not None:
                self._unsynced.append(previous)  # its lock is given up when it is closed, behind the sync
        return self._fd

    def _open(self) -> int:
        """Make a segment under a name that no drainer looks at, and give it its own once the lock is held."""
        folders.private(self._folder)
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
            with suppress(OSError):
                unready.unlink()
            raise
        self._unlisted = True
        begun = os.fstat(fd)
        self._file = begun.st_dev, begun.st_ino
        return fd

    def _leave_what_is_gone(self) -> None:
        """Begin a new segment where the one in use was deleted, or closed by one who closes all there are."""
        with self._lock:
            if self._fd is None or self._writing:
                return
            try:
                now = os.fstat(self._fd)
            except OSError:
                self._fd = None
                return
            if (now.st_dev, now.st_ino) != self._file:
                self._fd = None  # it is another's by now, and not ours to close
            elif now.st_nlink == 0:
                os.close(self._fd)
                self._fd = None

    def _sync_next(self) -> None:
        with self._lock:  # no fork falls in between, after which the child would hold the segment
            if not self._unsynced:  # another thread has just taken the last
                return
            fd = self._unsynced.pop(0)
            self._syncing.add(fd)
        try:
            _sync(fd)
        finally:
            with self._lock:
                self._syncing.discard(fd)
                os.close(fd)

    def _list(self) -> None:
        """Make the names of new segments, and of the folders they lie in, safe from a loss of power."""
        if self._unlisted:
            self._unlisted = False
            for folder in (self._folder, self._folder.parent, self._folder.parent.parent):
                folders.sync(folder)


_sync = getattr(os, "fdatasync", os.fsync)  # macOS has only the second

_journals: "weakref.WeakSet[Journal]" = weakref.WeakSet()
_held: dict[int, list[Journal]] = {}
"""What each thread that is forking holds."""


def _before_fork() -> None:
    _held[threading.get_ident()] = [journal for journal in list(_journals) if journal.hold()]


def _after_fork_in_parent() -> None:
    for journal in _held.pop(threading.get_ident(), ()):
        journal.go_on()


def _after_fork_in_child() -> None:
    _held.clear()
    for journal in list(_journals):
        journal.after_fork_in_child()


forks.around(_before_fork, _after_fork_in_parent)
forks.in_child(_after_fork_in_child)
