"""What `spancast costs --show latency` found out."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.latency import LatencyRow, timed, whole_since
from spancast.bookkeeping.book import Book
from spancast.cli.output.timeline import PERIODS

_NOTHING = LatencyRow(
    group={}, calls=0, p50=None, p95=None, first_token_p50=None, first_token_p95=None, tokens_per_second_p50=None
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long calls took, by group."""

    by: Sequence[str]
    rows: Sequence[LatencyRow] = ()
    more: int = 0
    """How many rows were asked not to be shown."""
    total: LatencyRow = _NOTHING
    complete_since: date | None = None
    """From which day on no call is missing, where single calls were pruned that it takes."""


def timing(book: Book, by: Sequence[str], chosen: Filter, top: int | None) -> Timing:
    """Return how long the chosen calls took: by time where the first dimension is one, else most calls first."""
    rows, total = timed(book, by, chosen)
    if by[0] in PERIODS:
        rows.sort(key=lambda row: [value or "" for value in row.group.values()])
    shown = len(rows) if top is None else top
    return Timing(
        by=by,
        rows=rows[:shown],
        more=len(rows[shown:]),
        total=total or _NOTHING,
        complete_since=whole_since(book, by, chosen),
    )
