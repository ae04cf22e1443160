"""`spancast costs --show latency`: how long calls took, by the same dimensions as costs."""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from functools import partial

from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.book import Book
from spancast.cli.arguments.filters import call_filter, no_match
from spancast.cli.output import latency_json
from spancast.cli.output.colour import paint_for
from spancast.cli.output.latency_table import table
from spancast.cli.output.messages import NOTHING_YET
from spancast.cli.output.records import record
from spancast.cli.output.table import terminal_width
from spancast.cli.reports.latency import LatencyReport, latency_report
from spancast.errors import ConfigurationError


def check(args: argparse.Namespace) -> None:
    """Raise `ConfigurationError` for an argument that does not apply to latencies."""
    for name in ("sort", "trend"):
        if getattr(args, name) is not None:
            raise ConfigurationError(f"--{name} applies only to costs. Leave out --{name} or --show latency.")


def lines(args: argparse.Namespace, by: Sequence[str], book: Book | None) -> Iterator[str]:
    """Yield the lines to print."""
    found = (
        LatencyReport(by=by)
        if book is None
        else latency_report(book, by, call_filter(args, partial(costs, book)), args.top)
    )
    if args.json:
        yield json.dumps(latency_json.report_json(found))
    elif args.csv:
        yield record([*by, *latency_json.row(LatencyReport(by=by).total)])
        for row in found.rows:
            yield record(latency_json.row(row).values())
    elif not found.rows:
        yield NOTHING_YET if book is None else no_match(args)
    else:
        yield from table(found, terminal_width(), paint_for(sys.stdout))
