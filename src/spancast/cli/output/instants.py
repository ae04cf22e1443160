"""Points in time as scripts read them: UTC, to the microsecond, and the same text wherever a time is shown."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(nanoseconds: int) -> datetime:
    """Return a Unix time as an instant, cut to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def written(instant: datetime) -> str:
    """Return `2026-11-01T09:30:00.000000Z` of an instant in UTC."""
    return f"{instant.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"
