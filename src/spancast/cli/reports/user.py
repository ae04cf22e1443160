"""The report of one user, on a page."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

from spancast.bookkeeping.answers.calls import CallRow, calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.report import CostRow
from spancast.bookkeeping.book import Book
from spancast.cli.reports.costs import SORTS
from spancast.cli.reports.figures import sum_rows
from spancast.cli.reports.timeline import PERIODS, Timeline, by_group

DAYS = 30
"""Days of the sparkline, up to today."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserReport:
    """The sums and the latest calls of a user."""

    user: str
    """As stored in the ledger."""
    total: CostRow = field(default_factory=CostRow.nothing)
    month: CostRow = field(default_factory=CostRow.nothing)
    """This month, in UTC."""
    recent: CostRow = field(default_factory=CostRow.nothing)
    """The last `DAYS` days."""
    days: Sequence[CostRow] = ()
    """Those of the last days that have calls, in order."""
    sessions: Sequence[CostRow] = ()
    models: Sequence[CostRow] = ()
    errors: Sequence[CostRow] = ()
    latest: Sequence[CallRow] = ()
    """The newest calls, newest last."""
    complete_since: date | None = None
    """The first day from which sessions, models and errors include all calls; `None` if none was pruned."""


def read(book: Book, user: str, latest: int, now: datetime) -> UserReport:
    """Return the report of a user at the time `now`, with the `latest` newest calls."""
    first, until = _days(now)
    everything = Filter(user=user)
    recent = costs(book, ["day"], Filter(user=user, since=first, until=until))
    parts = costs(book, ["session", "model", "error_type"], everything)
    return UserReport(
        user=user,
        total=costs(book, [], everything).total,
        month=costs(book, [], Filter(user=user, since=_first_of_month(now), until=until)).total,
        recent=recent.total,
        days=sorted(recent.rows, key=lambda row: str(row.group["day"])),
        sessions=_by("session", parts.rows),
        models=_by("model", parts.rows),
        errors=[row for row in _by("error_type", parts.rows) if row.group["error_type"] is not None],
        latest=tuple(calls(book, everything, latest)) if latest else (),
        complete_since=parts.complete_since,
    )


def timeline(now: datetime) -> Timeline:
    """Return the timeline of a report's sparkline."""
    first, until = _days(now)
    number = PERIODS["day"]
    return Timeline("day", number(f"{first:%Y-%m-%d}"), number(f"{until:%Y-%m-%d}") - 1)


def _by(dimension: str, parts: Sequence[CostRow]) -> Sequence[CostRow]:
    """Return the sums by one of several dimensions: a user's calls are read once for all of them."""
    groups = by_group(parts, [dimension]).items()
    rows = [replace(sum_rows(rows), group={dimension: value}) for (value,), rows in groups]
    return sorted(sorted(rows, key=SORTS["name"]), key=SORTS["cost"])  # type: ignore[arg-type]  # of one kind each


def _days(now: datetime) -> tuple[datetime, datetime]:
    until = now.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
    return until - timedelta(days=DAYS), until


def _first_of_month(now: datetime) -> datetime:
    return now.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
