"""From the journal's segments onto the shelves: the ledger's book and the outbox.

Constraints: one drainer a home directory at a time, in whichever process has the lock; live segments are followed to
their last whole record; nothing leaves the journal before every shelf has committed it, and a shelf that is given a
record twice keeps one. Recovery: each shelf commits the offset with the records, so a drainer that dies is continued by
the next one. Damage costs the record it hit, is noted, and stops nothing.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from spancast.base import files, guard, locks
from spancast.base.descriptors import Held
from spancast.base.folders import private
from spancast.base.segments import writer_of
from spancast.delivery.journal import frame
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.errors import SpancastError
from spancast.records.call import Call
from spancast.records.record import Record

BATCH = 1024
"""Records that a shelf is given at a time: some megabytes. With fewer of them, the pages that they share are written
more often: 9.0 KB a call are written with 512, 6.6 with 1024, 5.5 with 2048."""
CHUNK = 4 * 1024 * 1024
"""Bytes of a segment that are in memory at a time."""
STALE = 60.0
"""Seconds after which a segment that never got its name is left over; its writer needs microseconds."""
KILLED = "killed"
"""In place of a segment, for the ends of calls that no process wrote."""

_WAITING = "Records cannot be moved into the ledger in %s; they wait. `spancast doctor` says what to do."
_LARGEST = len(frame.pack(b"")) + frame.MAX_PAYLOAD
_decode = msgspec.msgpack.Decoder(Record).decode


class Shelf(Protocol):
    """Where records are kept for good. Idempotent by `call_id`, for replays of any records in any order."""

    def end(self, segment: str) -> int:
        """Return the offset up to which a segment is kept; 0 for one that is new."""
        ...

    def apply(self, segment: str, end: int, records: Sequence[Record]) -> None:
        """Keep the records, and the offset behind the last of them, in one transaction."""
        ...

    def forget(self, segment: str) -> None:
        """Drop the offset of a segment that is no more."""
        ...


@runtime_checkable
class Register(Protocol):
    """What a shelf is too that knows the calls under way, and keeps account of damage."""

    def orphans(self, living: Collection[str]) -> list[Call]:
        """Return the calls under way whose writer is not among the `living`."""
        ...

    def damaged(self, segment: str, offsets: Iterable[int], what: str) -> None:
        """Note, once, that what lies in a segment at these offsets could not be read."""
        ...

    def lost(self, writer: str, counts: Mapping[str, int], cost: Decimal) -> None:
        """Note how many records a writer has had to drop so far, by reason, and the dollars of them."""
        ...


class Drainer:
    """Moves what the processes of a home directory have written onto all the `shelves`."""

    def __init__(self, home: Path, shelves: Sequence[Shelf]) -> None:
        self.home = home
        self._folder = journal_folder(home)
        # The register comes last: it forgets a call under way once all others have its end.
        self._shelves = sorted(shelves, key=lambda shelf: isinstance(shelf, Register))
        self._registers = [shelf for shelf in shelves if isinstance(shelf, Register)]
        self._in_hand: list[Record] = []
        self._told: tuple[str, int] = ("", 0)
        self._between: Callable[[], None] = _nothing

    def drain(self, timeout: float = 0.0, journal: Journal | None = None) -> bool:
        """Move all there is; return `False` when another process was at it for all of `timeout` seconds.

        `journal` is this process's own: what waits in its memory is moved too, and it is looked after meanwhile. A
        shelf that fails raises `OSError` or `sqlite3.Error`, a journal of another user's `SpancastError`; what was not
        moved then is moved the next time.
        """
        if journal is not None and journal.home != self.home:
            return False  # nor may this process move what lies here
        if not self.home.is_dir() and journal is None:
            return True
        private(self.home)
        files.be_ours(self._folder)
        lock = locks.FileLock(self.home / "drainer.lock")
        if not lock.acquire(timeout):
            return False
        self._between = _nothing if journal is None else journal.catch_up
        try:
            for path in self._segments():
                self._follow(path)
            if journal is not None:
                self._take_waiting(journal)
                self._note_lost(journal)
            self._book_killed()
            self._sweep()
        finally:
            lock.release()
        return True

    @contextmanager
    def faults_told(self) -> Iterator[None]:
        """Log, once a minute, what keeps records from being moved; they wait, and the next drain may do better."""
        try:
            yield
        except (OSError, sqlite3.Error, SpancastError):
            guard.failed("moving", _WAITING, self.home)

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("*.seg"))

    def _follow(self, path: Path) -> None:
        """Move what is new in a segment, and the segment out of the way when that was its last.

        The lock is tried first: only then is the end that is read afterwards sure to be the end.
        """
        with _opened(path) as file:
            if file is None:
                return
            try:
                end_of_writer = locks.try_lock(file.fd)
                end = self._move(file, path.name)
                if end_of_writer:
                    self._finish(file, path, end)
            except _TakenError:
                self._follow(path)  # from where the shelves are
            except _UnreadableError:
                guard.failed("reading", "%s cannot be read; it is left where it lies.", path)
                self._note(path.name, [0], "cannot be read")

    def _move(self, file: Held, segment: str) -> int:
        """Move what no shelf or not every shelf has; return the offset behind it."""
        ends = [shelf.end(segment) for shelf in self._shelves]
        at = min(ends) or (len(frame.HEAD) if _has_head(file) else 0)
        for batch in _batches(file, at):
            if batch.damage:
                self._note(segment, batch.damage, "unreadable")
            for shelf, end in zip(self._shelves, ends, strict=True):
                if end < batch.end:
                    shelf.apply(segment, batch.end, batch.records)
            at = batch.end
            self._between()
        return at

    def _finish(self, file: Held, path: Path, end: int) -> None:
        """Remove a segment that has no writer any more and is on every shelf; what is no segment is set aside."""
        if end < _size(file):
            self._note(path.name, [end], "torn")
        has_head = _has_head(file)
        if not has_head:
            self._note(path.name, [0], "no segment")
        try:
            path.unlink() if has_head else path.rename(path.with_suffix(".bad"))
        except OSError:
            guard.failed("drainer", "%s is booked, and cannot be removed.", path)
        else:
            self._forget(path.name)

    def _take_waiting(self, journal: Journal) -> None:
        """Move the records that wait in this process's memory, and hold them until every shelf has them.

        A call under way is left out: without a segment nothing would tell whether its writer lives.
        """
        if not self._in_hand:
            records = (record for each in journal.waiting.take() for record in frame.unpack(each))
            read = (_record(record.payload) for record in records)
            self._in_hand = [each for each in read if each is not None and not _under_way(each)]
        self._add(f"{journal.writer}-memory", self._in_hand)
        self._in_hand = []

    def _note_lost(self, journal: Journal) -> None:
        """Note what this process has had to drop, when that has become more."""
        lost = dict(journal.waiting.lost)
        if lost and self._told != (journal.writer, sum(lost.values())):
            for register in self._registers:
                register.lost(journal.writer, lost, journal.waiting.lost_cost)
            self._told = (journal.writer, sum(lost.values()))

    def _book_killed(self) -> None:
        """Book the calls under way of writers that are gone.

        A writer that lives has a segment here: it holds its newest before it lets go of the one before. So the segments
        are listed now, after the locks were tried.
        """
        living = {writer_of(path.name) for path in self._segments()}
        for register in self._registers:
            self._add(KILLED, [_killed(call) for call in register.orphans(living)])

    def _add(self, source: str, records: Sequence[Record]) -> None:
        """Put records on every shelf that come from no segment, so that there is no offset to keep."""
        for begin in range(0, len(records), BATCH):
            for shelf in self._shelves:
                shelf.apply(source, 0, records[begin : begin + BATCH])
        if records:
            self._forget(source)

    def _forget(self, segment: str) -> None:
        for shelf in self._shelves:
            shelf.forget(segment)

    def _sweep(self) -> None:
        """Remove what is left of segments whose writer died before they had a name."""
        for path in self._folder.glob("*.new"):
            with _opened(path) as file:
                if file is not None and time.time() - os.fstat(file.fd).st_mtime > STALE and locks.try_lock(file.fd):
                    path.unlink(missing_ok=True)

    def _note(self, segment: str, offsets: Iterable[int], what: str) -> None:
        for register in self._registers:
            register.damaged(segment, offsets, what)


@contextmanager
def _opened(path: Path) -> Iterator[Held | None]:
    """Open a file of the journal; `None` when it is gone, or not ours to read: then it waits for one who may."""
    try:
        file = locks.opened(path, _OPEN)
    except FileNotFoundError:
        yield None
        return
    except OSError:
        guard.failed("drainer", "%s cannot be opened; it waits for a process that can.", path)
        yield None
        return
    try:
        yield file
    finally:
        locks.close(file)


_OPEN = os.O_RDWR | sum(getattr(os, name, 0) for name in ("O_BINARY", "O_NOFOLLOW", "O_NONBLOCK"))


class _UnreadableError(Exception):
    """What lies under the name of a segment cannot be read, now or ever."""


class _TakenError(Exception):
    """The application has closed a segment while it was read, and may have its number for a file of its own."""


def _nothing() -> None:
    """Have nothing to do between two batches."""


def _has_head(file: Held) -> bool:
    return _read(file, 0, len(frame.HEAD)) == frame.HEAD


def _read(file: Held, at: int, size: int) -> bytes:
    _size(file)
    try:
        os.lseek(file.fd, at, os.SEEK_SET)
        return os.read(file.fd, size)
    except OSError as error:
        raise _UnreadableError from error


def _size(file: Held) -> int:
    """Return how large a segment is; raise where it is not open any more."""
    size = file.size()
    if size is None:
        raise _TakenError
    return size


@dataclass(slots=True)
class _Batch:
    """Records that follow each other in a segment, the offsets of what could not be read, and the offset behind all."""

    end: int
    records: list[Record] = field(default_factory=list)
    damage: list[int] = field(default_factory=list)


def _batches(file: Held, start: int) -> Iterator[_Batch]:
    batch = _Batch(start)
    for at, payload, end in _records(file, start):
        read = _record(payload)
        if read is None:
            batch.damage.append(at)
        else:
            batch.records.append(read)
        batch.end = end
        if len(batch.records) + len(batch.damage) == BATCH:
            yield batch
            batch = _Batch(batch.end)
    if batch.records or batch.damage:
        yield batch


def _record(payload: bytes | None) -> Record | None:
    """Return the record, or `None` for what is none."""
    try:
        return None if payload is None else _decode(payload)
    except (msgspec.MsgspecError, ValueError):
        return None


def _records(file: Held, at: int) -> Iterator[tuple[int, bytes | None, int]]:
    """Yield where a record begins, its payload, and where it ends, from the offset `at` on; see `frame.Frame`."""
    while True:
        data = _read(file, at, CHUNK)
        last = len(data) < CHUNK
        done = 0
        for record in frame.unpack(data):
            yield at + done, record.payload, at + record.end
            done = record.end
        if last:
            return
        if done == 0:
            done = len(data) - _LARGEST
            yield at, None, at + done
        at += done


def _under_way(record: Record) -> bool:
    return isinstance(record, Call) and record.outcome is None


def _killed(call: Call) -> Call:
    return msgspec.structs.replace(call, outcome="killed", cost=None, upstream_cost=None, error_type=None)
