"""`spancast ledger prune --older-than 90d`: remove single calls of long ago. Their sums stay."""

import argparse
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import date_of, day_of
from spancast.cli.arguments.filters import add_home
from spancast.cli.arguments.when import moment
from spancast.cli.output import human
from spancast.cli.output.messages import NO_LEDGER
from spancast.cli.support.ledger_access import readable_folder
from spancast.errors import ConfigurationError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument(
        "--older-than",
        type=_day,
        required=True,
        metavar="WHEN",
        help="remove the calls before this day: 90d, 26w, 2026-01-01, ...",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Report what will be removed, ask for confirmation, and remove it."""
    home = readable_folder(args)
    if not (home / "ledger.db").is_file():
        print(NO_LEDGER)
        return 0
    with closing(Book(home)) as book:
        count = upkeep.prunable(book, args.older_than)
        first = date_of(args.older_than)
        if count == 0:
            print(f"No call from before {first} is left.")
            return 0
        for line in _announced(home, count, first):
            print(line)
        if not args.yes and not _is_confirmed():
            print("Nothing is removed.")
            return 0
        removed = human.calls(upkeep.prune(book, args.older_than))
        print(f"{removed} removed. The file keeps its size; the free space in it is reused.")
    return 0


def _announced(home: Path, count: int, first: date) -> Iterator[str]:
    yield f"To be removed from the ledger in {home}: {human.calls(count)} from before {first} (UTC)."
    yield "Their sums by day, month, user, model and provider stay, with every cent."
    yield f"Reports that need single calls, such as by session, tag or hour, will start on {first}."


def _is_confirmed() -> bool:
    if not sys.stdin.isatty():
        raise ConfigurationError("There is no terminal to ask for confirmation. Give --yes to remove them.")
    try:
        return input("Remove them? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        return False


def _day(argument: str) -> int:
    at = moment(argument)
    if at > datetime.now(UTC):
        raise argparse.ArgumentTypeError(f"{argument!r} is in the future. Write how long ago, such as 90d, or a date.")
    return day_of(int(at.timestamp()) * NS_PER_SECOND)
