"""`spancast costs`: what was spent, by user, model, day or tag."""

import argparse
import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from spancast.bookkeeping.costs import CostRow, Report, costs
from spancast.bookkeeping.dimensions import DIMENSIONS, is_dimension
from spancast.cli import human
from spancast.cli.filters import add_filters, add_home, chosen, none_found
from spancast.cli.home import NOTHING_YET, ledger
from spancast.cli.table import Column, lines, printable, terminal_width
from spancast.money import plain

_NOTHING = Report((), CostRow.nothing())


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
        "--sort", choices=tuple(_SORTS), default="cost", help="by what the rows are ordered (default: cost)"
    )
    parser.add_argument("--top", type=_how_many, metavar="N", help="only the first N rows; the total is of all")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="one JSON object: rows and total")
    shape.add_argument("--csv", action="store_true", help="comma-separated rows, without the total")
    add_filters(parser)
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Print the sums."""
    by = list(dict.fromkeys(name for names in args.by or [["user"]] for name in names))
    with ledger(args) as book:
        report = _NOTHING if book is None else _ordered(costs(book, by, chosen(args)), args.sort, args.top)
    if args.json:
        print(json.dumps({"rows": [_json(row) for row in report.rows], "total": _json(report.total)}))
    elif args.csv:
        _print_csv(by, report.rows)
    elif not report.rows:
        print(NOTHING_YET if book is None else none_found(args))
    else:
        _print_table(by, report)
    return 0


def _dimensions(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    for name in names or [text]:
        if not is_dimension(name):
            raise argparse.ArgumentTypeError(f"{name!r} is unknown. Write any of {', '.join(DIMENSIONS)}, or tag:KEY.")
    return names


def _how_many(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of rows. Write one from 1 on.")
    return int(text)


_SORTS: dict[str, Callable[[CostRow], object]] = {
    "cost": lambda row: (row.cost is None, -(row.cost or 0)),
    "calls": lambda row: -row.calls,
    "tokens": lambda row: -((row.input_tokens or 0) + (row.output_tokens or 0)),
    "errors": lambda row: -row.errors,
    "name": lambda row: [(value is None, value or "") for value in row.group.values()],
}
"""What the rows can be ordered by; where that is equal the dearer goes first."""


def _ordered(report: Report, by: str, top: int | None) -> Report:
    return Report(tuple(sorted(report.rows, key=_SORTS[by]))[:top], report.total)  # type: ignore[arg-type]  # of one kind each


def _json(row: CostRow) -> dict[str, object]:
    return {
        **row.group,
        "calls": row.calls,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cached_tokens": row.cached_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "cost_usd": None if row.cost is None else plain(row.cost),
        "errors": row.errors,
        "unknown_cost_calls": row.unknown_cost_calls,
        "refused_calls": row.refused_calls,
        "estimated_calls": row.estimated_calls,
    }


def _print_csv(by: Sequence[str], rows: Iterable[CostRow]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow([*by, *_json(_NOTHING.total)])
    for row in rows:
        group = {name: value if value is None else printable(value) for name, value in row.group.items()}
        writer.writerow((_json(row) | group).values())


def _print_table(by: Sequence[str], report: Report) -> None:
    columns = [
        *(Column(name) for name in by),
        Column("calls", number=True),
        Column("input", number=True, rank=2),
        Column("output", number=True, rank=2),
        Column("cached", number=True, rank=3),
        Column("reasoning", number=True, rank=4),
        Column("errors", number=True, rank=1),
        Column("cost", number=True),
    ]
    for line in lines(columns, _cells(by, report), terminal_width()):
        print(line)
    unknown = report.total.unknown_cost_calls
    if unknown:
        print(f"{human.calls(unknown)} of unknown cost, which the sums leave out.")
    if report.total.refused_calls:
        print(human.refused(report.total.refused_calls))
    if report.total.estimated_calls:
        print(f"{human.calls(report.total.estimated_calls)} of estimated cost, which the sums hold.")


def _cells(by: Sequence[str], report: Report) -> Iterator[tuple[str, ...]]:
    for row in report.rows:
        yield (*(human.text(row.group[name]) for name in by), *_numbers(row))
    yield ("total", *("" for _ in by[1:]), *_numbers(report.total))


def _numbers(row: CostRow) -> tuple[str, ...]:
    tokens = (row.input_tokens, row.output_tokens, row.cached_tokens, row.reasoning_tokens)
    return (human.count(row.calls), *map(human.count, tokens), human.count(row.errors), human.dollars(row.cost))
