"""Moves records from the journal's segments into its consumers: the ledger and the outbox.

Constraints: one drainer at a time per home directory, in whichever process has the lock; live segments are followed up
to their last whole record; no record leaves the journal before every consumer has committed it, and a consumer that
gets a record twice stores it once. Recovery: each consumer commits the offset together with the records, so another
drainer continues where one died. Damage costs the record that it hit, is noted, and stops nothing.
"""

import os
import sqlite3
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Protocol, runtime_checkable

import msgspec

from spancast.base import files, guard, locks
from spancast.base.descriptors import OpenFile
from spancast.base.folders import private
from spancast.base.segments import writer_of
from spancast.delivery.journal import frame, reading
from spancast.delivery.journal.journal import Journal, journal_folder
from spancast.errors import SpancastError
from spancast.records.call import Call
from spancast.records.record import Record

STALE_SECONDS = 60.0
"""Age at which a segment without its final name counts as abandoned; a live writer needs microseconds."""
KILLED = "killed"
"""The source, in place of a segment, of calls whose process died before they ended."""

_WAITING = "Records cannot be moved into the ledger in %s; they wait. `spancast doctor` says what to do."


class Consumer(Protocol):
    """Stores records for good. Idempotent by `call_id`: any records may come again, in any order."""

    def committed_offset(self, segment: str) -> int:
        """Return the offset in a segment up to which its records are stored; 0 for an unknown segment."""
        ...

    def apply(self, segment: str, end: int, records: Sequence[Record]) -> None:
        """Store the records and the offset behind the last of them, in one transaction."""
        ...

    def forget(self, segment: str) -> None:
        """Drop the offset of a segment that has been removed."""
        ...


@runtime_checkable
class CallTracker(Protocol):
    """A consumer that also knows the calls in progress, and counts damage and losses."""

    def orphans(self, living: Collection[str]) -> list[Call]:
        """Return the calls in progress whose writer is not among the `living`."""
        ...

    def note_damage(self, segment: str, offsets: Iterable[int], what: str) -> None:
        """Note, once each, that a segment could not be read at these offsets."""
        ...

    def note_lost(self, writer: str, counts: Mapping[str, int], cost: Decimal) -> None:
        """Note how many records a writer has dropped so far, by reason, and their cost in dollars."""
        ...


class Drainer:
    """Moves the records that the processes of a home directory have written into all `consumers`."""

    def __init__(self, home: Path, consumers: Sequence[Consumer]) -> None:
        self.home = home
        self._folder = journal_folder(home)
        # The tracker comes last: it forgets a call in progress once all others have stored its end.
        self._consumers = sorted(consumers, key=lambda consumer: isinstance(consumer, CallTracker))
        self._trackers = [consumer for consumer in consumers if isinstance(consumer, CallTracker)]
        self._from_memory: list[Record] = []
        self._noted_lost: tuple[str, int] = ("", 0)
        self._after_batch: Callable[[], None] = _nothing

    def drain(self, timeout: float = 0.0, journal: Journal | None = None) -> bool:
        """Move all records; return `False` if another process drained for all of `timeout` seconds.

        After a failure, the next call moves what is left.

        Args:
            timeout: Seconds to wait for another process.
            journal: This process's own; the records in its memory are moved, too, and it catches up between batches.

        Raises:
            OSError: A consumer or the journal failed.
            sqlite3.Error: A consumer failed.
            SpancastError: The journal belongs to another user.
        """
        if journal is not None and journal.home != self.home:
            return False  # the process has changed its user, who may not drain this home either
        if not self.home.is_dir() and journal is None:
            return True
        private(self.home)
        files.require_ours(self._folder)
        lock = locks.FileLock(self.home / "drainer.lock")
        if not lock.acquire(timeout):
            return False
        self._after_batch = _nothing if journal is None else journal.catch_up
        try:
            for path in self._segments():
                self._follow(path)
            if journal is not None:
                self._move_memory(journal)
                self._note_lost(journal)
            self._book_killed()
            self._sweep()
        finally:
            lock.release()
        return True

    @contextmanager
    def logging_failures(self) -> Iterator[None]:
        """Log, once a minute, what keeps records from being moved, instead of raising it; the records wait."""
        try:
            yield
        except (OSError, sqlite3.Error, SpancastError):
            guard.log_failure("moving", _WAITING, self.home)

    def _segments(self) -> list[Path]:
        return sorted(self._folder.glob("*.seg"))

    def _follow(self, path: Path) -> None:
        """Move the new records of a segment; remove the segment if its writer is gone.

        The segment's lock is tried before it is read: once the lock is free, nothing more will be written.
        """
        with reading.opened(path) as file:
            if file is None:
                return
            try:
                is_abandoned = locks.try_lock(file.fd)
                end = self._move(file, path.name)
                if is_abandoned:
                    self._finish(file, path, end)
            except reading.ClosedError:
                self._follow(path)  # from the committed offsets on
            except reading.UnreadableError:
                guard.log_failure("reading", "%s cannot be read, and is left unchanged.", path)
                self._note_damage(path.name, [0], "cannot be read")

    def _move(self, file: OpenFile, segment: str) -> int:
        """Move the records that a consumer lacks; return the offset behind them."""
        ends = [consumer.committed_offset(segment) for consumer in self._consumers]
        at = min(ends) or (len(frame.HEADER) if reading.has_header(file) else 0)
        for batch in reading.batches(file, at):
            if batch.damage:
                self._note_damage(segment, batch.damage, "unreadable")
            for consumer, end in zip(self._consumers, ends, strict=True):
                if end < batch.end:
                    consumer.apply(segment, batch.end, batch.records)
            at = batch.end
            self._after_batch()
        return at

    def _finish(self, file: OpenFile, path: Path, end: int) -> None:
        """Remove a segment that has no writer and is in every consumer; set a file aside that is no segment."""
        if end < reading.size(file):
            self._note_damage(path.name, [end], "torn")
        has_header = reading.has_header(file)
        if not has_header:
            self._note_damage(path.name, [0], "no segment")
        try:
            path.unlink() if has_header else path.rename(path.with_suffix(".bad"))
        except OSError:
            guard.log_failure("drainer", "%s is in the ledger, but cannot be removed.", path)
        else:
            self._forget(path.name)

    def _move_memory(self, journal: Journal) -> None:
        """Move the records that wait in this process's memory; keep them here until every consumer has them.

        A call in progress is left out: without a segment, nothing would show whether its writer is alive.
        """
        if not self._from_memory:
            frames = (each for framed in journal.waiting.take() for each in frame.unpack(framed))
            records = (reading.decoded(each.payload) for each in frames)
            self._from_memory = [each for each in records if each is not None and not _is_in_progress(each)]
        self._add(f"{journal.writer}-memory", self._from_memory)
        self._from_memory = []

    def _note_lost(self, journal: Journal) -> None:
        """Note the records that this process has dropped, if there are more than last time."""
        lost = dict(journal.waiting.lost)
        if lost and self._noted_lost != (journal.writer, sum(lost.values())):
            for tracker in self._trackers:
                tracker.note_lost(journal.writer, lost, journal.waiting.lost_cost)
            self._noted_lost = (journal.writer, sum(lost.values()))

    def _book_killed(self) -> None:
        """Book the calls in progress whose writers have died.

        A living writer always has a segment here, since it locks a new one before it closes the previous one. The
        segments must be listed now, after their locks were tried.
        """
        living = {writer_of(path.name) for path in self._segments()}
        for tracker in self._trackers:
            self._add(KILLED, [_killed(call) for call in tracker.orphans(living)])

    def _add(self, source: str, records: Sequence[Record]) -> None:
        """Give records that come from no segment to every consumer; there is no offset to keep."""
        for begin in range(0, len(records), reading.BATCH_RECORDS):
            for consumer in self._consumers:
                consumer.apply(source, 0, records[begin : begin + reading.BATCH_RECORDS])
        if records:
            self._forget(source)

    def _forget(self, segment: str) -> None:
        for consumer in self._consumers:
            consumer.forget(segment)

    def _sweep(self) -> None:
        """Remove segments whose writer died before it gave them their final name."""
        for path in self._folder.glob("*.new"):
            with reading.opened(path) as file:
                if file is None or time.time() - os.fstat(file.fd).st_mtime <= STALE_SECONDS:
                    continue
                if locks.try_lock(file.fd):
                    path.unlink(missing_ok=True)

    def _note_damage(self, segment: str, offsets: Iterable[int], what: str) -> None:
        for tracker in self._trackers:
            tracker.note_damage(segment, offsets, what)


def _nothing() -> None:
    """Do nothing between two batches."""


def _is_in_progress(record: Record) -> bool:
    return isinstance(record, Call) and record.outcome is None


def _killed(call: Call) -> Call:
    return msgspec.structs.replace(call, outcome="killed", cost=None, upstream_cost=None, error_type=None)
