"""`spancast costs --show latency`: how long calls took, by whatever costs can be summed by."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial

from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.book import Book
from spancast.cli.answers.latency import Timing, timing
from spancast.cli.arguments.filters import chosen, none_found
from spancast.cli.home import NOTHING_YET
from spancast.cli.output import latency_json
from spancast.cli.output.colour import paint_for
from spancast.cli.output.latency_table import table
from spancast.cli.output.records import record
from spancast.cli.output.table import terminal_width
from spancast.errors import ConfigurationError


def check(args: argparse.Namespace) -> None:
    """Raise `ConfigurationError` for an argument that says nothing of latencies."""
    for name in ("sort", "trend"):
        if getattr(args, name) is not None:
            raise ConfigurationError(f"--{name} is of costs. Leave out --{name} or --show latency.")


def lines(args: argparse.Namespace, by: Sequence[str], book: Book | None) -> Iterator[str]:
    """Yield what is printed."""
    found = Timing(by=by) if book is None else timing(book, by, chosen(args, partial(costs, book)), args.top)
    if args.json:
        yield json.dumps(latency_json.report(found))
    elif args.csv:
        yield record([*by, *latency_json.row(Timing(by=by).total)])
        for row in found.rows:
            yield record(latency_json.row(row).values())
    elif not found.rows:
        yield NOTHING_YET if book is None else none_found(args)
    else:
        yield from table(found, terminal_width(), paint_for(sys.stdout))
