"""`spancast tail`: calls as they are booked, newest at the bottom."""

import argparse
import select
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from spancast.bookkeeping.answers.calls import CallRow, booked, calls, newest
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.chosen import nothing
from spancast.cli.arguments.filters import add_filters, add_home, chosen, how_many
from spancast.cli.home import NOTHING_YET, live
from spancast.cli.output import call_json
from spancast.cli.output.call_table import COLUMNS, cells
from spancast.cli.output.colour import paint_for
from spancast.cli.output.table import Layout, terminal_width

PERIOD = 0.3
"""Seconds between two looks at what the programs have written."""
PATIENCE = 0.3
"""Seconds to wait for another process that is draining: what it moves is seen anyway."""

_TYPICAL = (
    "2026-11-26 14:50:54",
    "transcription",
    "m" * 36,
    "Amazon Bedrock",
    "u" * 36,
    "completed",
    "tool_calls",
    "100,000",
    "10,000",
    "12.3 s",
    "1.2 s",
    "$0.00000225",
)
"""A row by which the widths are decided, before there is any."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "-n", type=how_many("calls", 0), default=10, metavar="N", help="begin with the newest N (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, as calls --json has it")
    add_filters(parser)
    add_home(parser)
    parser.epilog = "It ends by Ctrl-C, or when nobody reads it any more, with exit status 0."


def run(args: argparse.Namespace) -> int:
    """Print calls until Ctrl-C, or until nobody reads them any more."""
    try:
        with live(args) as lively:
            first, show = lively.book(PATIENCE), _show_json if args.json else _Table()
            known = partial(costs, first) if first is not None else nothing
            cursor = Cursor(lively.home, chosen(args, known), args.n)
            if first is None:
                print(NOTHING_YET, file=sys.stderr)
                cursor.at = 0
            while not _is_alone():
                book = lively.book(PATIENCE)
                show(() if book is None else cursor.new(book))
                sys.stdout.flush()
                time.sleep(PERIOD)
    except KeyboardInterrupt:
        pass
    return 0


class Cursor:
    """A place in the ledger, behind the last call that was shown. Each call is given once, and none is left out.

    Calls are booked one after the other and numbered so; what is told of a call afterwards leaves its number.
    """

    def __init__(self, home: Path, chosen: Filter, first: int) -> None:
        self._path = home / "ledger.db"
        self._chosen = chosen
        self._first = first
        self._file: tuple[int, int] | None = None
        self.at: int | None = None
        """The number of the last call that there was; `None` before the first look."""

    def new(self, book: Book) -> Iterator[CallRow]:
        """Yield the calls that have been booked since; the first time the newest of all."""
        end, file = newest(book), self._path.stat()
        if self.at is None:
            found = calls(book, self._chosen, self._first) if self._first else iter(())
            yield from (row for row in found if row.seq <= end)
        else:
            is_anew = self._file not in (None, (file.st_dev, file.st_ino))  # a damaged one was set aside meanwhile
            yield from booked(book, self._chosen, 0 if is_anew else self.at, end)
        self.at, self._file = end, (file.st_dev, file.st_ino)


def _show_json(rows: Iterable[CallRow]) -> None:
    for row in rows:
        print(call_json.line(row))


class _Table:
    """A table whose rows come one by one; its titles come again when the terminal has another width."""

    def __init__(self) -> None:
        self._layout: Layout | None = None
        self._paint = paint_for(sys.stdout)

    def __call__(self, rows: Iterable[CallRow]) -> None:
        width = terminal_width()
        if self._layout is None or self._layout.limit != width:
            self._layout = Layout.fitting(COLUMNS, [_TYPICAL], width)
            print(self._layout.titles(self._paint))
        for row in rows:
            print(self._layout.line(cells(row), self._paint))


def _is_alone() -> bool:
    """Whether the reader of our output has gone, of which else only a write would tell."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    with suppress(OSError):  # an output that is no file has nobody who could go
        poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
