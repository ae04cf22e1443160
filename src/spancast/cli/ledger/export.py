"""`spancast ledger export --to FILE`: every call, or those that are chosen, for other tools."""

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
from spancast.cli.answers.figures import plus
from spancast.cli.answers.missing import lacking
from spancast.cli.arguments.filters import add_filters, add_home, chosen
from spancast.cli.exporting import aside, focus
from spancast.cli.exporting.columns import COLUMNS, Column, summed
from spancast.cli.exporting.parquet import parquet
from spancast.cli.exporting.text import csv, jsonl
from spancast.cli.home import NOTHING_YET, folder, ledger
from spancast.cli.output import human
from spancast.delivery.journal.journal import journal_folder
from spancast.errors import ConfigurationError, SpancastError

STDOUT = "-"


class Format(NamedTuple):
    """A row of the table of formats."""

    write: Callable[[Iterable[CallRow], Sequence[Column], BinaryIO], None]
    suffix: str | None = None
    """By which a file's name says that it is meant."""
    columns: Callable[[str], Sequence[Column]] = lambda _: COLUMNS
    """Given the billing account."""
    priced: bool = False
    """Whether it has no way to say that a cost is unknown."""


FORMATS: Mapping[str, Format] = {
    "csv": Format(csv, ".csv"),
    "jsonl": Format(jsonl, ".jsonl"),
    "parquet": Format(parquet, ".parquet"),
    "focus": Format(csv, None, focus.columns, priced=True),
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments."""
    parser.add_argument("--to", required=True, metavar="FILE", help="where it is written; - for the standard output")
    parser.add_argument(
        "--format",
        choices=tuple(FORMATS),
        help=f"by default what FILE ends with; focus is CSV with the columns of FOCUS {focus.VERSION}",
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
    """Write the calls; say how many they are, and what is not among them."""
    name = args.format or _meant(args.to)
    if args.to != STDOUT and _is_ours(Path(args.to).resolve(), folder(args).resolve()):
        raise ConfigurationError(f"{args.to!r} is a file of the ledger's own, which would be lost. Name another.")
    with ledger(args) as book:
        if book is None:
            raise SpancastError(NOTHING_YET)
        wanted = chosen(args, partial(costs, book))
        written = _Written(priced=FORMATS[name].priced)
        _write(args, FORMATS[name], written.counting(calls(book, wanted)))
        for sentence in (*written.sentences(args.to), *lacking(book, wanted)):
            print(sentence, file=sys.stderr)
    return 0


def _is_ours(path: Path, home: Path) -> bool:
    """Return whether a file is one that Spancast keeps in a home directory."""
    return (path.parent == home and path.name.startswith(_OURS)) or path.is_relative_to(journal_folder(home))


_OURS = ("ledger.", "outbox.", "drainer.")


def _meant(to: str) -> str:
    for name, form in FORMATS.items():
        if form.suffix is not None and to.endswith(form.suffix):
            return name
    raise ConfigurationError(f"{to!r} does not say what is meant. Write --format {', '.join(FORMATS)}.")


def _write(args: argparse.Namespace, form: Format, rows: Iterable[CallRow]) -> None:
    columns, to_stdout = form.columns(args.billing_account), args.to == STDOUT
    if to_stdout and form.write is parquet:
        raise ConfigurationError("Parquet is a file that is read from its end. Write --to FILE.")
    try:
        with _stdout() if to_stdout else aside.whole(Path(args.to)) as file:
            form.write(rows, columns, file)
    except BrokenPipeError:
        raise
    except OSError as error:
        what = "The standard output" if to_stdout else args.to
        left = "" if to_stdout else " Nothing is left of it."
        raise SpancastError(f"{what} cannot be written: {error.strerror or error}.{left}") from error


@contextmanager
def _stdout() -> Iterator[BinaryIO]:
    yield sys.stdout.buffer
    sys.stdout.buffer.flush()


@dataclass(slots=True)
class _Written:
    """What goes into the file, counted on its way."""

    priced: bool
    """Whether calls of unknown cost are left out."""
    calls: int = 0
    unknown: int = 0
    cost: Decimal | None = None

    def counting(self, rows: Iterable[CallRow]) -> Iterator[CallRow]:
        """Yield the calls that are written."""
        for row in rows:
            self.unknown += row.cost is None
            self.cost = plus(self.cost, summed(row.cost))
            if row.cost is None and self.priced:
                continue
            self.calls += 1
            yield row

    def sentences(self, to: str) -> Iterator[str]:
        """Yield what there is to say of it."""
        where = "written" if to == STDOUT else f"in {to}"
        spent = f", {human.cost(self.cost)}" if self.calls else ""
        yield f"{human.calls(self.calls)} {where}{spent}."
        if self.unknown:
            yield f"{human.calls(self.unknown)} of unknown cost{', which are left out' if self.priced else ''}."
