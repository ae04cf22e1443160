"""`spancast ledger prune --older-than 90d`: remove single calls of long ago. Their sums stay."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import date_of, day_of
from spancast.cli.arguments.filters import add_home
from spancast.cli.arguments.when import moment
from spancast.cli.home import NO_LEDGER, folder
from spancast.cli.output import human
from spancast.errors import ConfigurationError

_NANOSECONDS = 10**9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--older-than",
        type=_day,
        required=True,
        metavar="WHEN",
        help="calls of the days before then: 90d, 26w, 2026-01-01, ...",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Say what will be removed, ask where somebody can answer, and remove it."""
    home = folder(args)
    if not (home / "ledger.db").is_file():
        print(NO_LEDGER)
        return 0
    with closing(Book(home)) as book:
        count = upkeep.prunable(book, args.older_than)
        first = date_of(args.older_than)
        if count == 0:
            print(f"No call of the days before {first} is left.")
            return 0
        for line in _announced(home, count, first):
            print(line)
        if not args.yes and not _agreed():
            print("Nothing is removed.")
            return 0
        removed = human.calls(upkeep.prune(book, args.older_than))
        print(f"{removed} removed. The file keeps its size: the room in it is used again.")
    return 0


def _announced(home: Path, count: int, first: date) -> Iterator[str]:
    yield f"To be removed from the ledger in {home}: {human.calls(count)} of the days before {first} (UTC)."
    yield "Their sums by day, month, user, model and provider stay, with every cent."
    yield f"Single calls are kept from {first} on: what needs them, as by session, by tag or by hour, begins there."


def _agreed() -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError("There is no terminal to ask on. Say --yes to have them removed.")
    try:
        return input("Remove them? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _day(seen: str) -> int:
    at = moment(seen)
    if at > datetime.now(UTC):
        raise argparse.ArgumentTypeError(f"{seen!r} is still to come. Write how long ago, such as 90d, or a past date.")
    return day_of(int(at.timestamp()) * _NANOSECONDS)
