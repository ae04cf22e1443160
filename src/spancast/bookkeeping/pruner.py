"""Removes single calls that are older than the owner of a ledger wants them kept, once a day; their sums stay.

It works in a thread of its own, in short transactions, in the process that books: nobody's call waits for it.
"""

import time

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY, day_of

_NANOSECONDS = 10**9


class Pruner:
    """Prunes the ledger of a home directory."""

    name = "pruning"

    def __init__(self, book: Book, retention: float) -> None:
        """Keep single calls for `retention` seconds, and to the end of that day."""
        self._book = book
        self._retention = int(retention * _NANOSECONDS)
        self._done: int | None = None
        """The day before which nothing is left to remove."""
        self._stopped = False

    def round(self) -> float:
        """Remove what is too old; return the seconds until more of it is."""
        now = time.time_ns()
        before = day_of(max(0, now - self._retention))
        if self._done != before:
            if upkeep.prunable(self._book, before, limit=1):
                upkeep.prune(self._book, before, go_on=self._goes_on)
            self._done = before
        return (DAY - (now - self._retention) % DAY) / _NANOSECONDS

    def stop(self) -> None:
        """Begin nothing any more; what is left is removed another day."""
        self._stopped = True

    def close(self) -> None:
        """Hold nothing."""

    def _goes_on(self) -> bool:
        return not self._stopped
