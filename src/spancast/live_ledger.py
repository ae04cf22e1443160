"""A ledger that is brought up to date on each access: what programs have written since is booked first."""

from collections.abc import Callable
from pathlib import Path

from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import journal_folder
from spancast.delivery.outbox.outbox import Outbox


def is_written(home: Path) -> bool:
    """Return whether a program has written to a home directory."""
    return journal_folder(home).is_dir() or (home / "ledger.db").exists()


class LiveLedger:
    """The ledger of a home directory; creates no file before there is something to book."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self._book, self._outbox = Book(home), Outbox(home)

    def book(self, patience: float, on_incomplete: Callable[[], None] = lambda: None) -> Book | None:
        """Return the up-to-date ledger; `None` if no program has written to one yet.

        If another process is still booking after `patience` seconds, the newest calls may be missing, and
        `on_incomplete` is called.
        """
        if not is_written(self.home):
            return None
        if not Drainer(self.home, [self._book, self._outbox]).drain(patience):
            on_incomplete()
        return self._book

    def close(self) -> None:
        """Close the files."""
        self._book.close()
        self._outbox.close()
