"""What several threads make of the same records at about the same time: made by the first of them, kept for the next.

Nothing waits here, so nobody is held up: who finds nothing makes it, and what cannot be kept at once is not kept. A
child that is forked in the middle of that keeps nothing any more, and makes all itself.
"""

import threading
from collections.abc import Hashable
from typing import Generic, TypeVar

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")

KEPT = 2048
"""Values that are kept at most: four batches, for couriers of the same records are hardly further apart."""


class Shared(Generic[_Key, _Value]):
    """Values by key; the oldest go first. For any thread."""

    def __init__(self, room: int, most: int = KEPT) -> None:
        """Keep up to `most` values, that weigh no more than `room` together."""
        self._room, self._most = room, most
        self._kept: dict[_Key, tuple[_Value, int]] = {}
        self._weight = 0
        self._lock = threading.Lock()

    def get(self, key: _Key) -> _Value | None:
        """Return what is kept, or `None`."""
        found = self._kept.get(key)
        return None if found is None else found[0]

    def keep(self, key: _Key, value: _Value, weight: int) -> None:
        """Keep a value, in the place of the one before; not what is too heavy by itself."""
        if weight > self._room or not self._lock.acquire(blocking=False):
            return
        try:
            before = self._kept.pop(key, None)
            self._weight += weight - (0 if before is None else before[1])
            self._kept[key] = value, weight
            while self._weight > self._room or len(self._kept) > self._most:
                self._weight -= self._kept.pop(next(iter(self._kept)))[1]
        finally:
            self._lock.release()
