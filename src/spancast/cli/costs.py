"""`spancast costs`: what was spent, by user, model, day or tag."""

import argparse
import json
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial

from spancast.bookkeeping import prices
from spancast.bookkeeping.answers.clickhouse.client import Clickhouse, Table
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.dimensions import DIMENSIONS, is_dimension
from spancast.bookkeeping.book import Book
from spancast.call_filter import CostsQuery
from spancast.cli.arguments.filters import add_filters, add_home, call_filter, no_match, number_of
from spancast.cli.arguments.seconds import seconds
from spancast.cli.output import costs_json, watch
from spancast.cli.output.colour import paint_for
from spancast.cli.output.costs_table import table
from spancast.cli.output.messages import NOTHING_YET
from spancast.cli.output.records import exactly, record
from spancast.cli.output.table import terminal_width, wrapped
from spancast.cli.reports.costs import SORTS, CostsReport, CostsRequest, costs_report
from spancast.cli.reports.timeline import PERIODS
from spancast.cli.support import show_latency
from spancast.cli.support.ledger_access import PATIENCE_SECONDS, folder, ledger, live
from spancast.errors import ConfigurationError

_OTHER_LINES = 10
"""Lines of a watched screen other than rows: titles, total, notes."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the verb."""
    parser.add_argument(
        "--by",
        type=_dimensions,
        nargs="+",
        action="extend",
        metavar="WHAT",
        help=f"one or several of {', '.join(DIMENSIONS)}, tag:KEY (default: user)",
    )
    parser.add_argument(
        "--show",
        choices=("costs", "latency"),
        default="costs",
        help="latency: how long calls took, at the median and the 95th percentile, and how fast streams were",
    )
    parser.add_argument(
        "--sort",
        choices=tuple(SORTS),
        help="the order of the rows (default: cost; name where the first of --by is a time)",
    )
    parser.add_argument("--top", type=number_of("rows"), metavar="N", help="only the first N rows; the total is of all")
    parser.add_argument(
        "--trend",
        choices=tuple(PERIODS),
        nargs="?",
        const="day",
        help="a sparkline of each row's dollars, by day or another period",
    )
    parser.add_argument(
        "--watch",
        type=seconds(0.1),
        nargs="?",
        const=watch.PERIOD_SECONDS,
        metavar="SECONDS",
        help=f"refresh every {watch.PERIOD_SECONDS:g} seconds, or as many as given, until Ctrl-C",
    )
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON object: rows and total")
    shape.add_argument("--csv", action="store_true", help="comma-separated rows, without the total")
    add_filters(parser)
    add_home(parser)
    parser.add_argument(
        "--from",
        dest="source",
        metavar="URL",
        help="a ClickHouse table instead of the ledger: clickhouse://USER:PASSWORD@HOST:8123/DATABASE?table=TABLE, "
        "or clickhouses:// for TLS",
    )
    parser.epilog = "Exit status: 0, also if nothing was spent; 1: the ledger cannot be read; 2: a wrong argument."


def run(args: argparse.Namespace) -> int:
    """Print the sums."""
    by = list(dict.fromkeys(name for names in args.by or [["user"]] for name in names))
    _check(args, by)
    if args.csv:
        exactly()
    if args.source is not None:
        return _from_clickhouse(args, by)
    if args.watch is not None:
        with live(args) as live_ledger:
            return watch.every(
                args.watch, lambda: list(_frame(args, partial(_lines, by=by, book=live_ledger.book(PATIENCE_SECONDS))))
            )
    with ledger(args) as book:
        for line in _lines(args, by, book):
            print(line)
    return 0


def _check(args: argparse.Namespace, by: Sequence[str]) -> None:
    if args.show == "latency":
        show_latency.check(args)
        if args.source is not None:
            raise ConfigurationError("--show latency works only on the local ledger. Leave out --from.")
    timed = [name for name in by if name in PERIODS]
    if args.trend and timed:
        raise ConfigurationError(f"--trend cannot be drawn in rows by {timed[0]}. Leave out one of the two.")
    if args.trend and (args.json or args.csv):
        cure = f"Write --by {' '.join([*by, args.trend])}, which has a row for each."
        raise ConfigurationError(f"--trend is drawn only in tables, not with --json or --csv. {cure}")
    if args.watch and args.csv:
        raise ConfigurationError("--watch cannot print --csv: the header would be repeated. Write --json.")


def _dimensions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names or [text]:
        if not is_dimension(name):
            raise argparse.ArgumentTypeError(f"{name!r} is unknown. Write any of {', '.join(DIMENSIONS)}, or tag:KEY.")
    return names


def _from_clickhouse(args: argparse.Namespace, by: Sequence[str]) -> int:
    """Print the sums of a ClickHouse table."""
    with closing(Clickhouse(Table.of(args.source))) as clickhouse:
        none = f"No calls match in {clickhouse.place}."

        def lines(args: argparse.Namespace) -> Iterator[str]:
            return _shown(args, costs_report(clickhouse.costs, _request(args, by, clickhouse.costs)), none)

        if args.watch is not None:
            return watch.every(args.watch, lambda: list(_frame(args, lines)))
        for line in lines(args):
            print(line)
    return 0


def _frame(args: argparse.Namespace, lines: Callable[[argparse.Namespace], Iterator[str]]) -> Iterator[str]:
    """Yield the lines of a watched screen: on a terminal as many rows as fit."""
    if sys.stdout.isatty() and not args.json:
        args = argparse.Namespace(**{**vars(args), "top": args.top or max(watch.height() - _OTHER_LINES, 1)})
        title = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC, every {args.watch:g} s until Ctrl-C"
        yield from (paint_for(sys.stdout)(part, "dim") for part in wrapped(title, terminal_width()))
    yield from lines(args)


def _lines(args: argparse.Namespace, by: Sequence[str], book: Book | None) -> Iterator[str]:
    if args.show == "latency":
        yield from show_latency.lines(args, by, book)
        return
    if book is None:
        yield from _shown(args, CostsReport(by=by), NOTHING_YET)
    else:
        of_book = partial(costs, book)
        yield from _shown(args, costs_report(of_book, _request(args, by, of_book)), no_match(args))


def _shown(args: argparse.Namespace, found: CostsReport, none: str) -> Iterator[str]:
    if args.json:
        yield json.dumps(costs_json.report_json(found))
    elif args.csv:
        yield from _csv(found)
    elif not found.rows:
        yield none
    else:
        yield from table(found, terminal_width(), paint_for(sys.stdout))


def _request(args: argparse.Namespace, by: Sequence[str], source: CostsQuery) -> CostsRequest:
    known, wanted = prices.load(folder(args)), call_filter(args, source)
    return CostsRequest(by=by, chosen=wanted, sort=args.sort, top=args.top, trend=args.trend, prices=known)


def _csv(found: CostsReport) -> Iterator[str]:
    yield record([*found.by, *costs_json.total(CostsReport(by=found.by))])
    for row in found.rows:
        yield record(costs_json.row(found, row).values())
