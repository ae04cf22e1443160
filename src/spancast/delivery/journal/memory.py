"""What cannot be written at once waits in memory, with an end: words go first, and each loss is counted."""

import threading
from collections import Counter, deque
from decimal import Decimal
from itertools import accumulate, takewhile

import msgspec

from spancast.delivery.journal import frame
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import Late
from spancast.records.record import Record

KEPT = 10_000
"""Records that wait at most."""
LARGEST = 8 * 1024 * 1024
"""Bytes that waiting records hold at most; the words of calls, half of it."""

_decode = msgspec.msgpack.Decoder(Record).decode


class Memory:
    """Framed records that wait, oldest first. No method is held up by anything but the others."""

    def __init__(self) -> None:
        self._lock = threading.RLock()  # a finalizer may add in the middle of anything
        self.records: deque[bytes] = deque()
        self._size = 0
        self.lost: Counter[str] = Counter()
        """Records dropped, by reason."""
        self.lost_cost = Decimal(0)
        """Dollars of the calls among them, as far as those were known."""

    def __bool__(self) -> bool:
        return bool(self.records)

    def add(self, framed: bytes, *, words: bool = False) -> bool:
        """Keep a record; return `False` for words that there is no room for. For all else the oldest records go."""
        with self._lock:
            if words and self._size + len(framed) > LARGEST // 2:
                self.lost["memory full: words"] += 1
                return False
            while self.records and (len(self.records) >= KEPT or self._size + len(framed) > LARGEST):
                self._drop(self.records.popleft())
            self.records.append(framed)
            self._size += len(framed)
            return True

    def oldest(self, size: int) -> tuple[bytes, ...]:
        """Return the records that have waited longest, at least one and then up to `size` bytes, and leave them."""
        with self._lock:
            records = list(self.records)  # a finalizer may add one at any step below
            sized = zip(records, accumulate(map(len, records)), strict=True)
            return tuple(record for record, end in takewhile(lambda one: one[1] <= max(size, len(one[0])), sized))

    def remove(self, framed: bytes) -> None:
        """Forget the oldest record, where `oldest` returned it; it may have been dropped meanwhile."""
        with self._lock:
            if self.records and self.records[0] is framed:
                self.records.popleft()
                self._size -= len(framed)

    def take(self) -> tuple[bytes, ...]:
        """Return all of it, and forget it: for a drainer in this process."""
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
    return "words" if isinstance(record, Content) else "late costs" if isinstance(record, Late) else "other spans"
