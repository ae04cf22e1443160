"""A ledger that is brought up to date whenever it is asked for: what programs have written since is booked first."""

from collections.abc import Callable
from pathlib import Path

from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import journal_folder
from spancast.delivery.outbox.outbox import Outbox


class Latest:
    """The ledger of a home directory, of which nothing is made before there is something to book."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._book, self._outbox = Book(home), Outbox(home)

    def book(self, patience: float, behind: Callable[[], None] = lambda: None) -> Book | None:
        """Return the ledger with what was written so far; `None` where no program has written one yet.

        Another process that is booking is waited for `patience` seconds; then the newest calls may be missing, and
        `behind` is called.
        """
        if not journal_folder(self.home).is_dir() and not (self.home / "ledger.db").exists():
            return None
        if not Drainer(self.home, [self._book, self._outbox]).drain(patience):
            behind()
        return self._book

    def close(self) -> None:
        """Close the files."""
        self._book.close()
        self._outbox.close()
