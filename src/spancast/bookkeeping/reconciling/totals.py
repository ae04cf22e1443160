"""The totals of today, this week and this month that a key states of itself (GET /key); any key may read its own."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.account import Row
from spancast.bookkeeping.reconciling.amount import Amount, known, together
from spancast.bookkeeping.reconciling.period import midnight
from spancast.bookkeeping.reconciling.reading import dollars


def _week(at: datetime) -> datetime:
    return midnight(at) - timedelta(days=at.weekday())


def _month(at: datetime) -> datetime:
    return midnight(at).replace(day=1)


_PERIODS: dict[str, tuple[str, Callable[[datetime], datetime]]] = {
    "today": ("daily", midnight),
    "this week": ("weekly", _week),
    "this month": ("monthly", _month),
}
"""By name: the suffix of its totals, and its start. Weeks begin on Monday; all times are UTC."""


def periods(now: datetime, since: datetime | None) -> dict[str, datetime]:
    """Return the start of each period that does not begin before `since`."""
    starts = {name: start(now) for name, (_, start) in _PERIODS.items()}
    return {name: start for name, start in starts.items() if since is None or start >= since}


def billed(key: Row, name: str) -> Amount:
    """Return what a key was billed in a period."""
    ending = _PERIODS[name][0]
    return Amount(dollars(key, f"usage_{ending}"), dollars(key, f"byok_usage_{ending}"))


def booked(rows: Iterable[CallRow], start: datetime) -> tuple[int, Amount]:
    """Return the number of calls since `start`, and what the ledger holds for them."""
    within = [row for row in rows if datetime.fromtimestamp(row.started_at / NS_PER_SECOND, UTC) >= start]
    return len(within), together(map(known, within))
