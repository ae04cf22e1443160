"""The periods of usage totals: days, weeks from Monday and months, all in UTC (OpenRouter API, GET /key)."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

Start = Callable[[datetime], datetime]
"""Returns the start of the period that contains an instant."""


def at(seconds: float) -> datetime:
    """Return the UTC datetime of a Unix time."""
    return datetime.fromtimestamp(seconds, UTC)


def minute(instant: datetime) -> datetime:
    """Return the start of its minute."""
    return instant.replace(second=0, microsecond=0)


def hour(instant: datetime) -> datetime:
    """Return the start of its hour."""
    return minute(instant).replace(minute=0)


def day(instant: datetime) -> datetime:
    """Return the start of its day."""
    return hour(instant).replace(hour=0)


def week(instant: datetime) -> datetime:
    """Return the start of its week, a Monday."""
    return day(instant) - timedelta(days=instant.weekday())


def month(instant: datetime) -> datetime:
    """Return the start of its month."""
    return day(instant).replace(day=1)


STARTS: Mapping[str, Start] = {"minute": minute, "hour": hour, "day": day, "week": week, "month": month}
"""By the names that a query's `granularity` may have."""
