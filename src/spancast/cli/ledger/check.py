"""`spancast ledger check`: whether the file is sound, and its sums are those of its calls."""

import argparse
import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path

from spancast.base.money import plain
from spancast.bookkeeping import upkeep
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.retention import retained_since
from spancast.bookkeeping.rollups import DAY, date_of
from spancast.bookkeeping.trouble import set_aside
from spancast.cli.arguments.filters import add_home
from spancast.cli.output import human
from spancast.cli.output.messages import NO_LEDGER
from spancast.cli.support import sqlite_version
from spancast.cli.support.ledger_access import readable_folder


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """The result of a check."""

    path: Path
    calls: int = 0
    kept_since: date | None = None
    """The first day from which all calls are kept; `None` if none was ever pruned."""
    older: int = 0
    """Calls from before that day which are still there."""
    prunable: int = 0
    """Those of them that an interrupted pruning has left."""
    problems: Sequence[str] = ()
    damaged_records: int = 0
    """Records of the journal that were skipped."""
    lost: Mapping[str, int] = field(default_factory=dict)
    """Records that never reached the journal, by reason."""
    lost_cost: Decimal = Decimal(0)
    set_aside: Sequence[Path] = ()
    """Files that were found damaged, and replaced."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--json", action="store_true", help="one JSON object")
    add_home(parser)
    parser.epilog = "Exit status: 0: all is well; 1: the file is damaged, or a sum is wrong."


def run(args: argparse.Namespace) -> int:
    """Print the result; return 1 if the file is damaged or a sum is wrong."""
    home = readable_folder(args)
    found = _check(home)
    if args.json:
        print(json.dumps(_members(found)))
    elif not found.path.is_file():
        for line in (NO_LEDGER, *_damaged_once(found)):
            print(line)
    else:
        for line in _lines(found):
            print(line)
    return 1 if found.problems else 0


def _check(home: Path) -> Checked:
    path = home / "ledger.db"
    if not path.is_file():
        return Checked(path=path, set_aside=set_aside(home))
    with closing(Book(home)) as book:
        problems = upkeep.check(book)
        with book.reading() as connection:
            since = retained_since(connection)
            calls, older = connection.execute(_COUNTS, ((since or 0) * DAY,)).fetchone()
        lost, lost_cost = book.losses()
        return Checked(
            path=path,
            calls=calls,
            kept_since=None if since is None else date_of(since),
            older=older,
            prunable=0 if since is None else upkeep.prunable(book, since),
            problems=problems,
            damaged_records=book.damage(),
            lost=lost,
            lost_cost=lost_cost,
            set_aside=set_aside(home),
        )


def _lines(found: Checked) -> Iterator[str]:
    yield f"file      {found.path}"
    yield f"SQLite    {sqlite_version.describe()}"
    yield f"calls     {found.calls:,}{_kept(found)}"
    for problem in found.problems or ["all is well: the file is intact, and its sums match its calls"]:
        yield f"{'WRONG' if found.problems else 'ok':<10}{problem}"
    if found.problems:
        yield "cure      spancast ledger rebuild recomputes sums and names; move a damaged file away, or replace it."
    if found.prunable:
        again = f"spancast ledger prune --older-than {found.kept_since}"
        yield f"note      Pruning was interrupted: {human.calls(found.prunable)} are left to remove. {again} continues."
    if found.damaged_records:
        yield f"note      {found.damaged_records:,} damaged records of the journal were skipped."
    if found.lost:
        reasons = ", ".join(f"{reason}: {count:,}" for reason, count in found.lost.items())
        number, cost = f"{sum(found.lost.values()):,}", human.dollars(found.lost_cost)
        yield f"note      {number} records were lost before they were written, {cost} ({reasons})."
    yield from _damaged_once(found)


def _damaged_once(found: Checked) -> Iterator[str]:
    for path in found.set_aside:
        yield f"note      {path.name} was damaged, and is kept."


def _kept(found: Checked) -> str:
    if found.kept_since is None:
        return ""
    older = f"; {found.older:,} are left from before" if found.older else "; none from before"
    return f", all of them since {found.kept_since}{older}"


def _members(found: Checked) -> dict[str, object]:
    return {
        "path": str(found.path),
        "sqlite": sqlite3.sqlite_version,
        "sqlite_is_fixed": sqlite_version.is_fixed(),
        "calls": found.calls,
        "kept_since": None if found.kept_since is None else found.kept_since.isoformat(),
        "older_calls": found.older,
        "problems": list(found.problems),
        "damaged_records": found.damaged_records,
        "lost": dict(found.lost),
        "lost_usd": plain(found.lost_cost),
        "set_aside": [path.name for path in found.set_aside],
    }


_COUNTS = "SELECT count(*), count(iif(started_at < ?, 1, NULL)) FROM entries"
