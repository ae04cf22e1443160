"""`spancast ledger rebuild`: make the sums anew from the calls."""

import argparse
from contextlib import closing

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.kept import kept_since
from spancast.bookkeeping.rollups import date_of
from spancast.cli.arguments.filters import add_home
from spancast.cli.home import NO_LEDGER, folder
from spancast.cli.output import human


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Make them anew; programs that make calls meanwhile are not held up, their calls are booked afterwards."""
    home = folder(args)
    if not (home / "ledger.db").is_file():
        print(NO_LEDGER)
        return 0
    with closing(Book(home)) as book:
        done = upkeep.rebuild(book)
        with book.reading() as connection:
            since = kept_since(connection)
    print(f"The sums of {human.calls(done.calls)} are made anew.")
    if done.mended:
        print(f"{done.mended:,} names or tags were lost, and cannot be brought back; a name is called lost-... now.")
    if since is not None:
        print(f"Days before {date_of(since)} keep the sums they had, since their calls were pruned.")
    return 0
