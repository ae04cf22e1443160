"""The report of `spancast costs --show latency`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.latency import LatencyRow, timed, whole_since
from spancast.bookkeeping.book import Book
from spancast.cli.reports.timeline import PERIODS

_NOTHING = LatencyRow(
    group={}, calls=0, p50=None, p95=None, first_token_p50=None, first_token_p95=None, tokens_per_second_p50=None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyReport:
    """How long calls took, by group."""

    by: Sequence[str]
    rows: Sequence[LatencyRow] = ()
    more: int = 0
    """The number of rows that are not shown."""
    total: LatencyRow = _NOTHING
    complete_since: date | None = None
    """The first day from which no call is missing; `None` if the report needs no call that was pruned."""


def latency_report(book: Book, by: Sequence[str], chosen: Filter, top: int | None) -> LatencyReport:
    """Return the latency of the calls that match: sorted by time if the first dimension is one, else by calls."""
    rows, total = timed(book, by, chosen)
    if by[0] in PERIODS:
        rows.sort(key=lambda row: [value or "" for value in row.group.values()])
    shown = len(rows) if top is None else top
    return LatencyReport(
        by=by,
        rows=rows[:shown],
        more=len(rows[shown:]),
        total=total or _NOTHING,
        complete_since=whole_since(book, by, chosen),
    )
