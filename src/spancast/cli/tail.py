"""`spancast tail`: calls as they are booked, newest at the bottom."""

import argparse
import select
import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

from spancast.bookkeeping.answers.calls import CallRow, booked_between, calls, last_seq
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.call_filter import no_costs
from spancast.cli.arguments.filters import add_filters, add_home, call_filter, number_of
from spancast.cli.output import call_json
from spancast.cli.output.call_table import COLUMNS, cells
from spancast.cli.output.colour import paint_for
from spancast.cli.output.messages import NOTHING_YET
from spancast.cli.output.table import Layout, terminal_width
from spancast.cli.support.ledger_access import live

PERIOD_SECONDS = 0.3
"""Between two looks at what the programs have written."""
PATIENCE_SECONDS = 0.3
"""For another process that is draining: the calls that it books are shown anyway."""

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
"""The row that sets the widths, before there is a real one."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "-n", type=number_of("calls", 0), default=10, metavar="N", help="begin with the newest N (default: 10)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object a line, as calls --json has it")
    add_filters(parser)
    add_home(parser)
    parser.epilog = "It ends at Ctrl-C, or when the reader of its output is gone, with exit status 0."


def run(args: argparse.Namespace) -> int:
    """Print calls until Ctrl-C, or until the reader of the output is gone."""
    try:
        with live(args) as live_ledger:
            first, show = live_ledger.book(PATIENCE_SECONDS), _show_json if args.json else _Table()
            known = partial(costs, first) if first is not None else no_costs
            cursor = Cursor(live_ledger.home, call_filter(args, known), args.n)
            if first is None:
                print(NOTHING_YET, file=sys.stderr)
                cursor.at = 0
            while not _reader_is_gone():
                book = live_ledger.book(PATIENCE_SECONDS)
                show(() if book is None else cursor.new(book))
                sys.stdout.flush()
                time.sleep(PERIOD_SECONDS)
    except KeyboardInterrupt:
        pass
    return 0


class Cursor:
    """A position in the ledger, after the last call that was shown. Each call is yielded exactly once.

    Calls are numbered in the order in which they are booked; a later amendment keeps the number.
    """

    def __init__(self, home: Path, chosen: Filter, first: int) -> None:
        self._path = home / "ledger.db"
        self._chosen = chosen
        self._first = first
        self._file: tuple[int, int] | None = None
        self.at: int | None = None
        """The number of the last call so far; `None` before the first look."""

    def new(self, book: Book) -> Iterator[CallRow]:
        """Yield the calls that were booked since the last look; at the first look, the newest ones."""
        end, file = last_seq(book), self._path.stat()
        if self.at is None:
            found = calls(book, self._chosen, self._first) if self._first else iter(())
            yield from (row for row in found if row.seq <= end)
        else:
            is_new_file = self._file not in (None, (file.st_dev, file.st_ino))  # a damaged one was set aside
            yield from booked_between(book, self._chosen, 0 if is_new_file else self.at, end)
        self.at, self._file = end, (file.st_dev, file.st_ino)


def _show_json(rows: Iterable[CallRow]) -> None:
    for row in rows:
        print(call_json.line(row))


class _Table:
    """A table whose rows arrive one by one; the header is repeated when the terminal's width changes."""

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


def _reader_is_gone() -> bool:
    """Return whether the reader of our output is gone, which otherwise only a write would reveal."""
    if not hasattr(select, "poll"):
        return False
    poll = select.poll()
    with suppress(OSError):  # an output that is not a file has no reader that could go
        poll.register(sys.stdout.fileno(), 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))
