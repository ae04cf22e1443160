"""The front door: the facts of a call go to this process's own segment by one write on the caller's thread.

Constraints: a write may never raise, need a thread, or wait for another process. What was written survives any death of
the process. Format: `frame`. Recovery: the writer holds an exclusive lock on its open segment, which the operating
system gives up when the process dies; a segment that can be locked has no writer and is taken over by the drainer.
Segments are named `<writer>-<number>.seg`; a writer that lives holds the lock of its newest.
"""

import threading
import time
import weakref
from pathlib import Path

import msgspec

from spancast.base import clock, forks, guard, homes
from spancast.base.descriptors import Held
from spancast.delivery.journal import frame
from spancast.delivery.journal.memory import Memory
from spancast.delivery.journal.queue import Entry, Queue
from spancast.delivery.journal.segments import Segments, sync
from spancast.delivery.journal.starving import Starving
from spancast.records.content import Content
from spancast.records.record import Record
from spancast.settings.settings import Durability

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

_TAKES_NONE = "%s takes no records; they wait in memory. Is it full or read-only?"
_MOVED = (
    "%s cannot be written by this process any more, which is user %s's now. Its calls are kept in %s instead; "
    "as that user, `SPANCAST_HOME=%s spancast deliver` books and sends them."
)
_encode = msgspec.msgpack.Encoder().encode


def journal_folder(home: Path) -> Path:
    """Return the folder of the segments."""
    return home / "journal"


class Journal:
    """The end of the journal that is this process's own. Any method may be called from any thread or finalizer."""

    def __init__(self, home: Path, durability: Durability = "process") -> None:
        self.home = home
        """Where it writes: another than it was told once this process has become another user's, who may not."""
        self._told = home
        self._user = self._first = homes.user()
        self._durability = durability
        self._begin()
        _journals.add(self)

    def _begin(self) -> None:
        """Take the state of a process that has written nothing yet; a forked child starts here."""
        self._lock = threading.RLock()
        self._writing = False
        self._queue = Queue()
        self._puts = 0
        self._starving = Starving()
        self.segments = Segments(journal_folder(self.home), durable=self._durability == "power")
        self.news = False
        """Whether anything was appended since somebody last set this to `False`."""
        self.waiting = Memory()
        """What waits in memory, and what of it had to be dropped."""
        self._behind = self._durability == "memory"
        self._looked_at = clock.now()

    @property
    def writer(self) -> str:
        """The first part of the names of this process's segments."""
        return self.segments.writer

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
        self._come_back()
        if self._durability != "memory":
            self._write_waiting()
            self.leave_what_is_gone()
        with self._lock:
            self.segments.owe()
        while (held := self._owed()) is not None:
            self._sync(held)
        self.segments.list()

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
                    self.segments.give_back()
                finally:
                    self.go_on()

    def hold(self) -> bool:
        """Let the write under way end, so that a forked child inherits no half-made segment; but wait for no stall."""
        return self._lock.acquire(timeout=SLOW)

    def go_on(self) -> None:
        """Write again, after `hold` has returned `True` to the same thread."""
        self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin anew: the segments, their locks and the waiting records are the parent's."""
        inherited = self.segments
        self._begin()
        inherited.let_go()

    def _is_attended(self) -> bool:
        """Whether someone else looks when the file system is well again."""
        return self._durability == "memory" or clock.now() - self._looked_at < UNATTENDED

    def _keep(self, record: Record, framed: bytes) -> None:
        words = isinstance(record, Content)
        if not self.waiting.add(framed, words=words) and isinstance(record, Content):
            self.waiting.add(frame.pack(_encode(Content(call_id=record.call_id))))  # so that nobody waits for them

    def _write(self, framed: bytes) -> bool:
        """Write the record; return `False` when it has to wait in memory.

        A finalizer or a signal handler that appends in the middle of an append of the same thread waits too: the append
        that it interrupted writes both.
        """
        lock = self._lock  # a signal handler that forks leaves the child with another
        if not lock.acquire(blocking=False):
            return self._write_among_others(framed)
        try:
            if self._writing:
                return False
            self._writing = True
            try:
                written = self._put(framed)
                if self._queue.entries or self.waiting.records:
                    written = written and self._put_others()
            finally:
                self._writing = False
            return written
        finally:
            lock.release()

    def _put_others(self) -> bool:
        """Write what came meanwhile; return whether the file system takes it."""
        if self._queue.entries:
            self._put_queued()
        written = True
        while written and self.waiting and not self._behind:
            written = self._put_waiting()
        return written

    def _write_among_others(self, framed: bytes) -> bool:
        """Have the record written by whichever thread has the turn: all that are queued are one write."""
        entry = self._queue.add(framed)
        if self._has_turn(entry):
            try:
                self._write_queue(entry)
            finally:
                self._lock.release()
        self._queue.withdraw(entry)
        return entry.written

    def _has_turn(self, entry: Entry) -> bool:
        """Wait for the turn to write; return `False` when another thread has written the record, or the disk stalls.

        The turn is not queued for: each in the queue would have to run once to find that its record is written.
        """
        now = looked = clock.now()
        until, puts, pause = now + PATIENCE, self._puts, SOON
        while not entry.waits.acquire(timeout=pause):
            if self._lock.acquire(blocking=False):
                return True
            before, now = now, clock.now()
            self._starving.felt(now - before - pause)
            pause = min(2 * pause, SLOW)
            if self._behind:
                return False
            if self._puts != puts:
                looked, puts = now, self._puts
            if self._is_slow(now - looked):
                self._behind = True
                return False
            if now > until:
                return False
        return False

    def _write_queue(self, entry: Entry) -> None:
        """Write what all threads have queued, until this record is among it, or gone with one who failed at that."""
        self._writing = True
        try:
            while self._queue.entries and not entry.done:
                self._put_queued()
        finally:
            self._writing = False

    def _put_queued(self) -> None:
        taken, written = self._queue.take(TOGETHER), False
        try:
            written = not taken or self._put(b"".join(each.framed for each in taken))
        finally:
            for each in taken:
                each.end(written=written)

    def _write_waiting(self) -> None:
        """Write what waits, oldest first. Appends meanwhile wait behind it, so that they feel none of this."""
        self._looked_at = clock.now()
        if not self._lock.acquire(timeout=SLOW):
            return
        try:
            if self._writing:
                return
            self._writing = True
            try:
                if self._queue.entries:
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
        began = time.perf_counter()
        self.segments.touch()
        return not self._is_slow(time.perf_counter() - began)

    def _put(self, framed: bytes) -> bool:
        began = time.perf_counter()
        try:
            self.segments.write(framed)
        except OSError as error:
            if isinstance(error, PermissionError) and self._moves():
                return self._put(framed)
            self._behind = True
            guard.failed("journal", _TAKES_NONE, journal_folder(self.home))
            return False
        self._puts += 1
        took = time.perf_counter() - began
        if self._is_slow(took):
            self._behind = True
            guard.count("slow append")
        return True

    def _moves(self) -> bool:
        """Go on in a home of the user whose this process has become, who may not write in the one before."""
        before, self._user = self._user, homes.user()
        instead = None if self._user == before else homes.usable(self.home).path
        if instead is None or instead == self.home:
            return False
        home, self.home = self.home, instead
        self.segments.go_on_in(journal_folder(instead))
        guard.count("another user's home")
        guard.once_a_minute("another user's home", _MOVED, home, self._user, instead, instead)
        return True

    def _come_back(self) -> None:
        """Go on in the home before where this process is that user's again, as after a `seteuid` for a while."""
        if self.home == self._told or homes.user() != self._first:
            return
        with self._lock:
            if not self._writing:
                self.home, self._user = self._told, self._first
                self.segments.go_on_in(journal_folder(self.home))
                self.segments.give_back()

    def _is_slow(self, took: float) -> bool:
        """Whether it is the disk that has made something take so many seconds."""
        return took > SLOW and (took > PATIENCE or took > SLOW + self._starving.accounts_for())

    def leave_what_is_gone(self) -> None:
        """Write into a new file from now on where the one in use was deleted or moved."""
        with self._lock:
            if not self._writing:
                self.segments.leave_what_is_gone()

    def _owed(self) -> Held | None:
        with self._lock:  # no fork falls in between, after which the child would hold the segment
            return self.segments.take_owed()

    def _sync(self, held: Held) -> None:
        try:
            if held.is_ours():
                sync(held.fd)
        finally:
            with self._lock:
                self.segments.paid(held)


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
