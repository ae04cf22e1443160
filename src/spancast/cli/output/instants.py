"""Points in time for scripts: UTC, to the microsecond, in one format everywhere."""

from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(nanoseconds: int) -> datetime:
    """Return a Unix time in nanoseconds as an instant, truncated to the microsecond."""
    return _EPOCH + timedelta(microseconds=nanoseconds // 1000)


def written(instant: datetime) -> str:
    """Return an instant in UTC as `2026-11-01T09:30:00.000000Z`."""
    return f"{instant.isoformat(timespec='microseconds').removesuffix('+00:00')}Z"
