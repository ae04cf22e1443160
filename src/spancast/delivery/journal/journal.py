"""Appends records to this process's own segment, by one write on the caller's thread.

Constraints: `append` never raises, needs no other thread, and never waits for another process. A record that is written
survives any death of the process. Format: `frame`. Recovery: the writer holds an exclusive lock on its open segment,
which the operating system releases when the process dies; a drainer takes over a segment that it can lock. Segments are
named `<writer>-<number>.seg`; a living writer holds the lock of its newest.
"""

import threading
import time
import weakref
from pathlib import Path

import msgspec

from spancast.base import clock, forks, guard, homes
from spancast.base.descriptors import OpenFile
from spancast.delivery.journal import frame
from spancast.delivery.journal.memory import Memory
from spancast.delivery.journal.queue import Entry, Queue
from spancast.delivery.journal.segments import Segments, sync
from spancast.delivery.journal.starvation import Starvation
from spancast.records.content import Content
from spancast.records.record import Record
from spancast.settings.settings import Durability

SLOW_SECONDS = 0.1
"""After an append that took longer, records wait in memory until the file system responds quickly again."""
FIRST_POLL_SECONDS = 0.001
"""How long an append that cannot get the lock waits before it first tries again."""
MAX_WAIT_SECONDS = 1.0
"""How long an append may wait for the lock, or a write take, if the delay is due to other busy threads alone."""
BATCH_BYTES = 64 * 1024
"""How much is written at once, for all threads that append."""
UNATTENDED_SECONDS = 5.0
"""How long after the last check of a slow file system an append checks it itself, since no other thread does."""

_NOT_WRITABLE = "%s cannot be written; records wait in memory. Is the disk full or read-only?"
_MOVED = (
    "This process now runs as user %s, who cannot write to %s. Its calls are stored in %s instead; as that user, run "
    "`SPANCAST_HOME=%s spancast deliver` to book and send them."
)
_encode = msgspec.msgpack.Encoder().encode


def journal_folder(home: Path) -> Path:
    """Return the folder of the segments."""
    return home / "journal"


class Journal:
    """This process's part of the journal. Thread-safe, also when called from a finalizer."""

    def __init__(self, home: Path, durability: Durability = "process") -> None:
        self.home = home
        """Where it writes: a fallback once the process runs as a user who cannot write to the configured home."""
        self._configured_home = home
        self._user = self._first_user = homes.effective_user()
        self._durability = durability
        self._reset()
        _journals.add(self)

    def _reset(self) -> None:
        """Set the state of a process, or of a forked child, that has written nothing yet."""
        self._lock = threading.RLock()
        self._writing = False
        self._is_paused = False
        self._queue = Queue()
        self._puts = 0
        self._starvation = Starvation()
        self.segments = Segments(journal_folder(self.home), durable=self._durability == "power")
        self.has_new = False
        """Whether a record was appended since the pump last set this to `False`."""
        self.waiting = Memory()
        """Records that wait in memory, and counts of those that had to be dropped."""
        self._behind = self._durability == "memory"
        """Whether records go to memory instead of the disk."""
        self._checked_at = clock.now()

    @property
    def writer(self) -> str:
        """The first part of the names of this process's segments."""
        return self.segments.writer

    def append(self, record: Record) -> None:
        """Store a record. When this returns, it is written, waits in memory, or is counted in `waiting.lost`."""
        forks.detect()
        try:
            framed = frame.pack(_encode(record))
        except (ValueError, OverflowError, msgspec.MsgspecError):
            self.waiting.lost["unwritable"] += 1
            guard.caught("writing a record")
            return
        if self._behind and not self._is_attended():
            self._write_waiting()
        if self._behind or not self._write(framed):
            self._keep_in_memory(record, framed)
        self.has_new = True

    def catch_up(self) -> None:
        """Write the records that wait in memory, and sync what was written to disk."""
        self._return_home()
        if self._durability != "memory":
            self._write_waiting()
            self.renew_lost_segment()
        with self._lock:
            self.segments.schedule_sync()
        while (file := self._next_to_sync()) is not None:
            self._sync(file)
        self.segments.sync_names()

    def close(self, *, sync: bool = True) -> None:
        """Write the records that wait, and close the segment; a later `append` creates a new one.

        With `sync`, this waits for the disk as long as it takes. If a write hangs, the segment is closed when the
        process ends.
        """
        with guard.quietly("closing the journal"):
            if sync:
                self.catch_up()
            elif self._durability != "memory":
                self._write_waiting()
        with guard.quietly("closing the journal"):
            if self.pause():
                try:
                    self.segments.close()
                finally:
                    self.resume()

    def pause(self) -> bool:
        """Wait briefly for the current write to end, so that no fork copies half-made state; return whether it did."""
        if not self._lock.acquire(timeout=SLOW_SECONDS):
            return False
        self._is_paused = True
        return True

    def resume(self) -> None:
        """Allow writes again, after `pause` returned `True` on the same thread."""
        self._is_paused = False
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Start from nothing: the segments, their locks and the waiting records are the parent's."""
        inherited = self.segments
        self._reset()
        inherited.close_inherited()

    def _is_attended(self) -> bool:
        """Whether another thread checks if the file system has recovered."""
        return self._durability == "memory" or clock.now() - self._checked_at < UNATTENDED_SECONDS

    def _keep_in_memory(self, record: Record, framed: bytes) -> None:
        is_content = isinstance(record, Content)
        if not self.waiting.add(framed, is_content=is_content) and isinstance(record, Content):
            self.waiting.add(frame.pack(_encode(Content(call_id=record.call_id))))  # so that no courier waits for it

    def _write(self, framed: bytes) -> bool:
        """Write a record; return `False` if it has to wait in memory.

        A record of a finalizer or signal handler that interrupts an append on the same thread waits in memory, too;
        the interrupted append then writes both.
        """
        lock = self._lock  # `_reset` replaces it if a signal handler forks meanwhile
        if not lock.acquire(blocking=False):
            return self._write_among_others(framed)
        try:
            if self._writing:
                return False
            try:
                self._writing = True
                written = self._put(framed)
                if self._queue.entries or self.waiting.records:
                    written = written and self._put_others()
            finally:
                self._writing = False
            return written
        finally:
            lock.release()
            # A signal handler that raised right after an earlier `acquire` has left this thread holding the lock.
            while not self._writing and not self._is_paused and lock._is_owned():  # type: ignore[attr-defined]  # noqa: SLF001 - as `threading.Condition` does
                lock.release()

    def _put_others(self) -> bool:
        """Write the records that were queued meanwhile; return whether the file system takes them."""
        if self._queue.entries:
            self._put_queued()
        written = True
        while written and self.waiting and not self._behind:
            written = self._put_waiting()
        return written

    def _write_among_others(self, framed: bytes) -> bool:
        """Queue a record for the thread that holds the lock, which writes all queued records at once."""
        entry = self._queue.add(framed)
        if self._acquire_for(entry):
            try:
                self._write_queue(entry)
            finally:
                self._lock.release()
        self._queue.withdraw(entry)
        return entry.written

    def _acquire_for(self, entry: Entry) -> bool:
        """Wait for the lock; return `False` if another thread has written the record, or the disk stalls.

        This polls the lock instead of blocking on it: each blocked thread would have to be scheduled once, only to find
        that its record is written.
        """
        now = last_progress = clock.now()
        until, puts, pause = now + MAX_WAIT_SECONDS, self._puts, FIRST_POLL_SECONDS
        while not entry.pending.acquire(timeout=pause):
            if self._lock.acquire(blocking=False):
                return True
            before, now = now, clock.now()
            self._starvation.observe(now - before - pause)
            pause = min(2 * pause, SLOW_SECONDS)
            if self._behind:
                return False
            if self._puts != puts:
                last_progress, puts = now, self._puts
            if self._is_slow(now - last_progress):
                self._behind = True
                return False
            if now > until:
                return False
        return False

    def _write_queue(self, entry: Entry) -> None:
        """Write what all threads have queued, until this record is done: written, or lost to a failed write."""
        self._writing = True
        try:
            while self._queue.entries and not entry.done:
                self._put_queued()
        finally:
            self._writing = False

    def _put_queued(self) -> None:
        taken, written = self._queue.take(BATCH_BYTES), False
        try:
            written = not taken or self._put(b"".join(each.framed for each in taken))
        finally:
            for each in taken:
                each.finish(written=written)

    def _write_waiting(self) -> None:
        """Write the records in memory, oldest first. Appends meanwhile go to memory, so that they are not delayed."""
        self._checked_at = clock.now()
        if not self._lock.acquire(timeout=SLOW_SECONDS):
            return
        try:
            if self._writing:
                return
            self._writing = True
            try:
                if self._queue.entries:
                    self._put_queued()  # the thread that should write them was interrupted
                while self.waiting:
                    if not self._put_waiting():
                        return
                self._behind = self._behind and not self._is_fast_again()
            finally:
                self._writing = False
        finally:
            self._lock.release()

    def _put_waiting(self) -> bool:
        oldest = self.waiting.oldest(BATCH_BYTES)
        written = not oldest or self._put(b"".join(oldest))
        if written:
            for framed in oldest:
                self.waiting.remove(framed)
        return written

    def _is_fast_again(self) -> bool:
        """Whether the file system responds without delay again."""
        began = time.perf_counter()
        self.segments.touch()
        return not self._is_slow(time.perf_counter() - began)

    def _put(self, framed: bytes) -> bool:
        began = time.perf_counter()
        try:
            self.segments.write(framed)
        except OSError as error:
            if isinstance(error, PermissionError) and self._move_to_fallback():
                return self._put(framed)
            self._behind = True
            guard.log_failure("journal", _NOT_WRITABLE, journal_folder(self.home))
            return False
        self._puts += 1
        took = time.perf_counter() - began
        if self._is_slow(took):
            self._behind = True
            guard.count("slow append")
        return True

    def _move_to_fallback(self) -> bool:
        """Use another home, if the process now runs as a user who cannot write to this one; return whether it moved."""
        before, self._user = self._user, homes.effective_user()
        fallback = None if self._user == before else homes.choose(self.home).path
        if fallback is None or fallback == self.home:
            return False
        home, self.home = self.home, fallback
        self.segments.change_folder(journal_folder(fallback))
        guard.count("another user's home")
        guard.warn("another user's home", _MOVED, self._user, home, fallback, fallback)
        return True

    def _return_home(self) -> None:
        """Use the configured home again once the process runs as its first user again, as after a `seteuid`."""
        if self.home == self._configured_home or homes.effective_user() != self._first_user:
            return
        with self._lock:
            if not self._writing:
                self.home, self._user = self._configured_home, self._first_user
                self.segments.change_folder(journal_folder(self.home))
                self.segments.close()

    def _is_slow(self, took: float) -> bool:
        """Whether something took so many seconds because of the disk, and not of busy threads."""
        return took > SLOW_SECONDS and (
            took > MAX_WAIT_SECONDS or took > SLOW_SECONDS + self._starvation.expected_delay()
        )

    def renew_lost_segment(self) -> None:
        """Write to a new segment from now on if the current one was deleted or moved."""
        with self._lock:
            if not self._writing:
                self.segments.renew_lost_segment()

    def _next_to_sync(self) -> OpenFile | None:
        with self._lock:  # a child forked in between would keep the segment open
            return self.segments.next_to_sync()

    def _sync(self, file: OpenFile) -> None:
        try:
            if file.is_ours():
                sync(file.fd)
        finally:
            with self._lock:
                self.segments.finish_sync(file)


_journals: "weakref.WeakSet[Journal]" = weakref.WeakSet()
_paused: dict[int, list[Journal]] = {}
"""The journals that each forking thread has paused."""


def _before_fork() -> None:
    _paused[threading.get_ident()] = [journal for journal in list(_journals) if journal.pause()]


def _after_fork_in_parent() -> None:
    for journal in _paused.pop(threading.get_ident(), ()):
        journal.resume()


def _after_fork_in_child() -> None:
    _paused.clear()
    for journal in list(_journals):
        journal.after_fork_in_child()


forks.around(_before_fork, _after_fork_in_parent)
forks.in_child(_after_fork_in_child)
