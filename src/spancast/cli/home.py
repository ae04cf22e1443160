"""The ledger that a reporting verb reads, with all that the programs on this machine have written so far."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import TypeVar

from spancast import settings
from spancast.bookkeeping import trouble
from spancast.bookkeeping.book import Book
from spancast.delivery.drainer import Drainer
from spancast.delivery.journal import journal_folder
from spancast.delivery.outbox import Outbox
from spancast.errors import ConfigurationError, SpancastError

S = TypeVar("S", Book, Outbox)

PATIENCE = 5.0
"""Seconds to wait for another process that is draining."""

NO_LEDGER = "There is no ledger yet: the first report makes it, when a program has made a call."
"""What there is to say where nothing can be done."""

NOTHING_YET = "No calls yet. Run a program with Spancast on:  spancast run -- python app.py"


class Live:
    """The ledger of a home directory, brought up to date whenever it is asked for."""

    def __init__(self, home: Path, stack: ExitStack) -> None:
        self.home = home
        self._stack = stack
        self._shelves: tuple[Book, Outbox] | None = None

    def latest(self, patience: float, *, complain: bool = False) -> Book | None:
        """Return the ledger with what was written so far; `None` where no program has written one yet.

        Another process that is draining is waited for `patience` seconds; then the newest calls may be missing.
        """
        if self._shelves is None:
            if not journal_folder(self.home).is_dir() and not (self.home / "ledger.db").is_file():
                return None
            self._shelves = self._opened(Book(self.home)), self._opened(Outbox(self.home))
        if not Drainer(self.home, self._shelves).drain(patience) and complain:
            print("Another process is still booking; the newest calls may be missing.", file=sys.stderr)
        return self._shelves[0]

    def _opened(self, shelf: S) -> S:
        return self._stack.enter_context(closing(shelf))


def folder(args: argparse.Namespace) -> Path:
    """Return the directory of the ledger that is meant."""
    return args.home or settings.home()


@contextmanager
def live(args: argparse.Namespace) -> Iterator[Live]:
    """Give the ledger, to be brought up to date again and again."""
    home = _named(args.home) if args.home is not None else _of_settings()
    for aside in trouble.set_aside(home):
        print(f"{aside} was damaged; what is in it is not among these.", file=sys.stderr)
    with trouble.told(home), ExitStack() as stack:
        yield Live(home, stack)


def _named(home: Path) -> Path:
    """Return the directory that was named; raise `ConfigurationError` where there is none, which would seem empty."""
    if not home.is_dir():
        raise ConfigurationError(f"There is no directory {home}. Name one that programs have written to.")
    return home


def _of_settings() -> Path:
    """Return the directory by the settings, and say so where it is another than was wanted.

    Raises `SpancastError` where nothing else is there to see.
    """
    inforce = settings.resolve({})
    if inforce.instead_of is not None and not (inforce.home / "ledger.db").is_file():
        raise SpancastError(f"{inforce.instead_of}. Read it as its owner, or a copy of it with --home.")
    if inforce.instead_of is not None:
        where = f"This is {inforce.home}, where programs of this user have written instead."
        print(f"{inforce.instead_of}. {where}", file=sys.stderr)
    return inforce.home


@contextmanager
def ledger(args: argparse.Namespace) -> Iterator[Book | None]:
    """Give the ledger, up to date; `None` where no program has written one yet."""
    with live(args) as lively:
        yield lively.latest(PATIENCE, complain=True)
