"""A cache that threads share, bounded by count and by weight: what one thread made of a record, others reuse.

No call blocks: a value that would have to wait for the lock is not stored, and a lookup that misses makes it again.
A child forked while the lock is held stores nothing any more.
"""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

MAX_ENTRIES = 2048
"""Four batches: couriers of the same records are rarely further apart."""


class WeightedCache(Generic[_Key, _Value]):
    """Values by key, evicted first in, first out. Thread-safe."""

    def __init__(self, max_weight: int, max_entries: int = MAX_ENTRIES) -> None:
        self._max_weight, self._max_entries = max_weight, max_entries
        self._entries: dict[_Key, tuple[_Value, int]] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: _Key) -> _Value | None:
        """Return the stored value, or `None`."""
        found = self._entries.get(key)
        return None if found is None else found[0]

    def put(self, key: _Key, value: _Value, weight: int) -> None:
        """Store a value in place of the previous one; a value heavier than the whole cache is not stored."""
        if weight > self._max_weight or not self._lock.acquire(blocking=False):
            return
        try:
            before = self._entries.pop(key, None)
            self._weight += weight - (0 if before is None else before[1])
            self._entries[key] = value, weight
            while self._weight > self._max_weight or len(self._entries) > self._max_entries:
                self._weight -= self._entries.pop(next(iter(self._entries)))[1]
        finally:
            self._lock.release()
