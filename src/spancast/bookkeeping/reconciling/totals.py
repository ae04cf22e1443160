"""What a key that is no management key can be held to: its totals of today, this week and this month (GET /key)."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta

from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.account import Row
from spancast.bookkeeping.reconciling.amount import Amount, known, together
from spancast.bookkeeping.reconciling.days import Tally
from spancast.bookkeeping.reconciling.reading import dollars
from spancast.bookkeeping.reconciling.span import midnight


def _week(at: datetime) -> datetime:
    return midnight(at) - timedelta(days=at.weekday())


def _month(at: datetime) -> datetime:
    return midnight(at).replace(day=1)


_PERIODS: dict[str, tuple[str, Callable[[datetime], datetime]]] = {
    "today": ("daily", midnight),
    "this week": ("weekly", _week),
    "this month": ("monthly", _month),
}
"""By name: what its totals end with, and when it began. Weeks are from Monday, everything is in UTC."""


def periods(now: datetime, since: datetime | None) -> dict[str, datetime]:
    """Return the periods, and when each began; only those that did not begin before `since`."""
    began = {name: start(now) for name, (_, start) in _PERIODS.items()}
    return {name: start for name, start in began.items() if since is None or start >= since}


def billed(key: Row, name: str) -> Amount:
    """Return what a key was billed in a period."""
    ending = _PERIODS[name][0]
    return Amount(dollars(key, f"usage_{ending}"), dollars(key, f"byok_usage_{ending}"))


def booked(rows: Iterable[CallRow], start: datetime) -> tuple[int, Amount]:
    """Return how many of these calls began in a period, and what the ledger has for them."""
    of = [row for row in rows if datetime.fromtimestamp(row.started_at / 10**9, UTC) >= start]
    return len(of), together(map(known, of))


def tally(calls: int, amount: Amount) -> Tally:
    """Return the sums of a period as those of a day are kept."""
    found = Tally()
    found.add(calls, (None, None), amount)
    return found
