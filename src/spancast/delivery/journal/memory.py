"""Records that wait in memory until the disk takes them: bounded, content is dropped first, every loss is counted."""

import threading
from collections import Counter, deque
from decimal import Decimal
from itertools import accumulate, takewhile

import msgspec

from spancast.delivery.journal import frame
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import LateFacts
from spancast.records.record import Record

MAX_RECORDS = 10_000
"""Records that wait at the same time."""
MAX_BYTES = 8 * 1024 * 1024
"""Bytes of all waiting records; content may use half of it."""

_decode = msgspec.msgpack.Decoder(Record).decode


class Memory:
    """Framed records, oldest first. Thread-safe; no method blocks except on another."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may add in the middle of anything
        self.records: deque[bytes] = deque()
        self._size = 0
        self.lost: Counter[str] = Counter()
        """Records dropped, by reason."""
        self.lost_cost = Decimal(0)
        """Known cost, in dollars, of the calls among them."""

    def __bool__(self) -> bool:
        return bool(self.records)

    def add(self, framed: bytes, *, is_content: bool = False) -> bool:
        """Add a record, in place of the oldest ones if need be; return `False` for content without room."""
        with self._lock:
            if is_content and self._size + len(framed) > MAX_BYTES // 2:
                self.lost["memory full: words"] += 1
                return False
            while self.records and (len(self.records) >= MAX_RECORDS or self._size + len(framed) > MAX_BYTES):
                self._drop(self.records.popleft())
            self.records.append(framed)
            self._size += len(framed)
            return True

    def oldest(self, size: int) -> tuple[bytes, ...]:
        """Return the oldest records, at least one and up to `size` bytes, without removing them."""
        with self._lock:
            records = list(self.records)  # a finalizer may add one at any step below
            sized = zip(records, accumulate(map(len, records)), strict=True)
            return tuple(record for record, end in takewhile(lambda one: one[1] <= max(size, len(one[0])), sized))

    def remove(self, framed: bytes) -> None:
        """Remove the oldest record if it is this one, of `oldest`; it may have been dropped meanwhile."""
        with self._lock:
            if self.records and self.records[0] is framed:
                self.records.popleft()
                self._size -= len(framed)

    def take(self) -> tuple[bytes, ...]:
        """Remove and return all records, for a drainer in this process."""
        with self._lock:
            records = tuple(self.records)
            self.records.clear()
            self._size = 0
            return records

    def _drop(self, framed: bytes) -> None:
        self._size -= len(framed)
        (found,) = frame.unpack(framed)
        record = _decode(found.payload or b"")
        self.lost[f"memory full: {_kind(record)}"] += 1
        if isinstance(record, Call):
            self.lost_cost += record.cost or 0


def _kind(record: Record) -> str:
    if isinstance(record, Call):
        return "calls" if record.outcome is not None else "calls under way"
    return "words" if isinstance(record, Content) else "late costs" if isinstance(record, LateFacts) else "other spans"
