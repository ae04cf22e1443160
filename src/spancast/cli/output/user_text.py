"""The report of one user, for people."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TypeVar

from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.output import human
from spancast.cli.output.call_table import COLUMNS, cells
from spancast.cli.output.charts import bar, sparkline
from spancast.cli.output.colour import Paint
from spancast.cli.output.costs_table import notes
from spancast.cli.output.table import Column, fitted, lines, printable, wrapped
from spancast.cli.reports.figures import share, sum_rows
from spancast.cli.reports.user import DAYS, UserReport, timeline

V = TypeVar("V")

_MOST = 10
"""Rows of a section; JSON has them all."""
_USER = next(at for at, column in enumerate(COLUMNS) if column.title == "user")
_SUMS = (
    Column("calls", number=True),
    Column("input", number=True, rank=2),
    Column("output", number=True, rank=2),
    Column("errors", number=True, rank=1, style="red"),
    Column("cost", number=True, style="bold"),
)


def text(report: UserReport, now: datetime, width: int, paint: Paint) -> Iterator[str]:
    """Yield the lines, none wider than the terminal."""
    yield paint(fitted(printable(report.user), width), "bold")
    yield ""
    yield from lines(_SPEND, _spend(report, now), width, paint)
    for note in notes(report.total):
        yield from (paint(part, "yellow") for part in wrapped(note, width))
    if report.complete_since is not None:
        yield from wrapped(human.pruned(report.complete_since), width)
    for title, rows in (("session", report.sessions), ("model", report.models), ("error_type", report.errors)):
        if rows:
            yield ""
            yield from lines([Column(title), *_SUMS, *_SHARES], _section(title, rows, report.total), width, paint)
    if report.latest:
        yield ""
        yield from lines(_without_user(COLUMNS), (_without_user(cells(row)) for row in report.latest), width, paint)


_SPEND = (Column("spent"), *_SUMS, Column("", number=True, rank=1, style="green"))
_SHARES = (Column("share", number=True, rank=1), Column("", number=True, rank=3, style="cyan"))


def _spend(report: UserReport, now: datetime) -> Iterator[tuple[str, ...]]:
    yield (f"last {DAYS} days", *_sums(report.recent), sparkline(timeline(now).costs(report.days)))
    yield ("this month", *_sums(report.month), "")
    yield ("in all", *_sums(report.total), "")


def _section(dimension: str, rows: Sequence[CostRow], total: CostRow) -> Iterator[tuple[str, ...]]:
    for row in rows[:_MOST]:
        yield (human.text(row.group[dimension]), *_sums(row), *_shares(row, total))
    if rows[_MOST:]:
        rest = sum_rows(rows[_MOST:])
        yield (f"{len(rows) - _MOST:,} more", *_sums(rest), *_shares(rest, total))


def _sums(row: CostRow) -> tuple[str, ...]:
    tokens = (row.input_tokens, row.output_tokens)
    return (human.count(row.calls), *map(human.count, tokens), human.count(row.errors), human.dollars(row.cost))


def _shares(row: CostRow, total: CostRow) -> tuple[str, str]:
    part = share(row, total)
    return human.percent(part), bar(part)


def _without_user(values: Sequence[V]) -> tuple[V, ...]:
    return (*values[:_USER], *values[_USER + 1 :])
