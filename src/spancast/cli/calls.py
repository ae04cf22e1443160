"""`spancast calls`: every call, newest last."""

import argparse
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from itertools import chain

from spancast.bookkeeping.answers.calls import CallRow, calls
from spancast.bookkeeping.answers.costs import costs
from spancast.cli.arguments.filters import add_filters, add_home, call_filter, no_match, number_of
from spancast.cli.output import call_json, human, missing_text
from spancast.cli.output.call_table import COLUMNS, cells
from spancast.cli.output.colour import paint_for
from spancast.cli.output.messages import NOTHING_YET
from spancast.cli.output.table import lines, terminal_width, wrapped
from spancast.cli.reports.figures import add_known
from spancast.cli.reports.missing import missing
from spancast.cli.support.ledger_access import ledger


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument("--limit", type=number_of("calls"), metavar="N", help="only the newest N")
    parser.add_argument("--json", action="store_true", help="one JSON object a line, all values exact")
    add_filters(parser)
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the calls."""
    with ledger(args) as book:
        if book is None:
            if not args.json:
                print(NOTHING_YET)
            return 0
        wanted = call_filter(args, partial(costs, book))
        rows = calls(book, wanted, args.limit)
        if args.json:
            for row in rows:
                print(call_json.line(row))
        else:
            _print_table(rows, no_match(args))
            for sentence in () if args.limit else missing_text.sentences(missing(book, wanted)):
                print(*wrapped(sentence, terminal_width()), sep="\n")
    return 0


def _print_table(rows: Iterator[CallRow], no_match: str) -> None:
    first = next(rows, None)
    if first is None:
        print(no_match)
        return
    total, width = _Total(), terminal_width()
    for line in lines(COLUMNS, total.counting(chain([first], rows)), width, paint_for(sys.stdout)):
        print(line)
    for sentence in total.sentences():
        print(*wrapped(sentence, width), sep="\n")


@dataclass(slots=True)
class _Total:
    """The totals of a table that is printed while it is read."""

    calls: int = 0
    unknown: int = 0
    refused: int = 0
    cost: Decimal | None = None

    def counting(self, rows: Iterable[CallRow]) -> Iterator[tuple[str, ...]]:
        for row in rows:
            self.calls += 1
            if row.refused:
                self.refused += 1
            elif row.cost is None:
                self.unknown += 1
            else:
                self.cost = add_known(self.cost, row.cost)
            yield cells(row)

    def sentences(self) -> Iterator[str]:
        yield f"{human.calls(self.calls)}, {human.cost(self.cost)}."
        if self.unknown and self.cost is not None:
            yield f"{human.calls(self.unknown)} of unknown cost, which the sum leaves out."
        if self.refused:
            yield human.refused(self.refused)
