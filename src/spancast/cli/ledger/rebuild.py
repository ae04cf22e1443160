"""`spancast ledger rebuild`: recompute the sums from the calls."""

import argparse
from contextlib import closing

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.retention import retained_since
from spancast.bookkeeping.rollups import date_of
from spancast.cli.arguments.filters import add_home
from spancast.cli.output import human
from spancast.cli.output.messages import NO_LEDGER
from spancast.cli.support.ledger_access import readable_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Recompute them; programs that make calls meanwhile are not blocked, and their calls are booked afterwards."""
    home = readable_folder(args)
    if not (home / "ledger.db").is_file():
        print(NO_LEDGER)
        return 0
    with closing(Book(home)) as book:
        result = upkeep.rebuild(book)
        with book.reading() as connection:
            since = retained_since(connection)
    print(f"The sums of {human.calls(result.calls)} are recomputed.")
    if result.repaired:
        print(f"{result.repaired:,} names or tags were lost and cannot be restored; a lost name is now lost-....")
    if since is not None:
        print(f"Days before {date_of(since)} keep their sums, since their calls were pruned.")
    return 0
