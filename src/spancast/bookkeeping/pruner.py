"""Deletes single calls that are older than the retention period, once a day; their sums stay.

It runs in a thread of its own, in short transactions, in the process that books, so that no call waits for it.
"""

import time

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY, day_of


class Pruner:
    """Prunes the ledger of a home directory."""

    name = "pruning"

    def __init__(self, book: Book, retention: float) -> None:
        """Retain single calls for `retention` seconds, and until the end of that day."""
        self._book = book
        self._retention = int(retention * NS_PER_SECOND)
        self._pruned_before: int | None = None
        """The day, since 1970, before which nothing is left to delete."""
        self._stopped = False

    def round(self) -> float:
        """Delete what is too old; return the seconds until more is."""
        now = time.time_ns()
        before = day_of(max(0, now - self._retention))
        if self._pruned_before != before:
            if upkeep.prunable(self._book, before, limit=1):
                upkeep.prune(self._book, before, go_on=self._goes_on)
            self._pruned_before = before
        return (DAY - (now - self._retention) % DAY) / NS_PER_SECOND

    def stop(self) -> None:
        """Start nothing further; the rest is deleted another day."""
        self._stopped = True

    def close(self) -> None:
        """Do nothing: it holds no resources."""

    def _goes_on(self) -> bool:
        return not self._stopped
