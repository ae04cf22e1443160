"""`spancast ledger export --to FILE`: all calls, or those that match, for other tools."""

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple

from spancast.bookkeeping.answers.calls import CallRow, calls
from spancast.bookkeeping.answers.costs import costs
from spancast.cli.arguments.filters import add_filters, add_home, call_filter
from spancast.cli.exporting import atomic_file, focus
from spancast.cli.exporting.columns import COLUMNS, Column, summed
from spancast.cli.exporting.parquet import parquet
from spancast.cli.exporting.text import csv, jsonl
from spancast.cli.output import human, missing_text
from spancast.cli.output.messages import NOTHING_YET
from spancast.cli.reports.figures import add_known
from spancast.cli.reports.missing import missing
from spancast.cli.support.ledger_access import folder, ledger
from spancast.delivery.journal.journal import journal_folder
from spancast.errors import ConfigurationError, SpancastError

STDOUT = "-"


class Format(NamedTuple):
    """A row of the table of formats."""

    write: Callable[[Iterable[CallRow], Sequence[Column], BinaryIO], None]
    suffix: str | None = None
    """The file name's suffix that selects it."""
    columns: Callable[[str], Sequence[Column]] = lambda _: COLUMNS
    """Returns the columns, given the billing account."""
    needs_cost: bool = False
    """Whether it cannot express that a cost is unknown."""


FORMATS: Mapping[str, Format] = {
    "csv": Format(csv, ".csv"),
    "jsonl": Format(jsonl, ".jsonl"),
    "parquet": Format(parquet, ".parquet"),
    "focus": Format(csv, None, focus.columns, needs_cost=True),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--to", required=True, metavar="FILE", help="the file to write; - for the standard output")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        help=f"by default as FILE ends; focus is CSV with the columns of FOCUS {focus.VERSION}",
    )
    parser.add_argument(
        "--billing-account",
        default=focus.ACCOUNT,
        metavar="NAME",
        help=f"the BillingAccountId of --format focus (default: {focus.ACCOUNT})",
    )
    add_filters(parser)
    add_home(parser)


def run(args: argparse.Namespace) -> int:
    """Write the calls; report how many, and what is missing."""
    name = args.format or _format_of(args.to)
    if args.to != STDOUT and _is_ours(Path(args.to).resolve(), folder(args).resolve()):
        raise ConfigurationError(f"{args.to!r} is one of the ledger's own files and would be lost. Name another.")
    with ledger(args) as book:
        if book is None:
            raise SpancastError(NOTHING_YET)
        wanted = call_filter(args, partial(costs, book))
        written = _Written(needs_cost=FORMATS[name].needs_cost)
        _write(args, FORMATS[name], written.counting(calls(book, wanted)))
        for sentence in (*written.sentences(args.to), *missing_text.sentences(missing(book, wanted))):
            print(sentence, file=sys.stderr)
    return 0


def _is_ours(path: Path, home: Path) -> bool:
    """Return whether a file is one of Spancast's own in a home directory."""
    return (path.parent == home and path.name.startswith(_OUR_PREFIXES)) or path.is_relative_to(journal_folder(home))


_OUR_PREFIXES = ("ledger.", "outbox.", "drainer.")


def _format_of(to: str) -> str:
    for name, form in FORMATS.items():
        if form.suffix is not None and to.endswith(form.suffix):
            return name
    raise ConfigurationError(f"{to!r} does not end with a known format. Write --format {', '.join(FORMATS)}.")


def _write(args: argparse.Namespace, form: Format, rows: Iterable[CallRow]) -> None:
    columns, to_stdout = form.columns(args.billing_account), args.to == STDOUT
    if to_stdout and form.write is parquet:
        raise ConfigurationError("Parquet cannot be written to the standard output. Write --to FILE.")
    try:
        with _stdout() if to_stdout else atomic_file.replacing(Path(args.to)) as file:
            form.write(rows, columns, file)
    except BrokenPipeError:
        raise
    except OSError as error:
        what = "The standard output" if to_stdout else args.to
        left = "" if to_stdout else " No partial file is left."
        raise SpancastError(f"{what} cannot be written: {error.strerror or error}.{left}") from error


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@dataclass(slots=True)
class _Written:
    """What goes into the file."""

    needs_cost: bool
    """Whether calls of unknown cost are left out."""
    calls: int = 0
    unknown: int = 0
    refused: int = 0
    cost: Decimal | None = None

    def counting(self, rows: Iterable[CallRow]) -> Iterator[CallRow]:
        """Yield the calls to write, and count them."""
        for row in rows:
            self.unknown += row.cost is None and not row.refused
            self.refused += row.refused
            self.cost = add_known(self.cost, summed(row.cost))
            if row.cost is None and self.needs_cost:
                continue
            self.calls += 1
            yield row

    def sentences(self, to: str) -> Iterator[str]:
        """Yield a summary."""
        where = "written" if to == STDOUT else f"in {to}"
        spent = f", {human.cost(self.cost)}" if self.calls else ""
        yield f"{human.calls(self.calls)} {where}{spent}."
        if self.unknown:
            yield f"{human.calls(self.unknown)} of unknown cost{', which are left out' if self.needs_cost else ''}."
        if self.refused:
            yield f"{human.refused(self.refused)}{' They are left out.' if self.needs_cost else ''}"
