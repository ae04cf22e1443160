"""The ledger that a reporting verb reads, with all that the programs on this machine have written so far."""

import argparse
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spancast import settings
from spancast.bookkeeping.book import Book
from spancast.delivery.drainer import Drainer
from spancast.delivery.journal import journal_folder
from spancast.delivery.outbox import Outbox
from spancast.errors import SpancastError

PATIENCE = 5.0
"""Seconds to wait for another process that is draining."""

NOTHING_YET = "No calls yet. Run a program with Spancast on:  spancast run -- python app.py"


@contextmanager
def ledger(args: argparse.Namespace) -> Iterator[Book | None]:
    """Give the ledger, up to date; `None` where no program has written one yet."""
    if args.home is not None and not args.home.is_dir():
        print(f"There is no directory {args.home}. Name one that programs have written to.", file=sys.stderr)
    home = args.home or settings.home()
    if not journal_folder(home).is_dir() and not (home / "ledger.db").is_file():
        yield None
        return
    with closing(Book(home)) as book, closing(Outbox(home)) as outbox:
        try:
            if not Drainer(home, [book, outbox]).drain(PATIENCE):
                print("Another process is still booking; the newest calls may be missing.", file=sys.stderr)
            yield book
        except sqlite3.Error as error:
            raise _unreadable(home, error) from error


def _unreadable(home: Path, error: sqlite3.Error) -> SpancastError:
    return SpancastError(
        f"The ledger in {home} cannot be read: {error}. If the disk is sound and has room, move ledger.db and "
        "outbox.db away: the next program starts new ones."
    )
