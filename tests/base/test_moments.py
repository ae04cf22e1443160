"""Points in time as people write them."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from spancast.base.moments import parse, zoned

NOW = datetime(2026, 11, 24, 13, 45, 6, 789, UTC)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("30m", datetime(2026, 11, 24, 13, 15, 6, 789, UTC)),
        ("24h", datetime(2026, 11, 23, 13, 45, 6, 789, UTC)),
        ("7d", datetime(2026, 11, 17, 13, 45, 6, 789, UTC)),
        ("2w", datetime(2026, 11, 10, 13, 45, 6, 789, UTC)),
        ("today", datetime(2026, 11, 24, tzinfo=UTC)),
        ("yesterday", datetime(2026, 11, 23, tzinfo=UTC)),
        ("month", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01", datetime(2026, 11, 1, tzinfo=UTC)),
        ("2026-11-01T09:30", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30:00Z", datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        ("2026-11-01T09:30:00+02:00", datetime(2026, 11, 1, 7, 30, tzinfo=UTC)),
    ],
)
def test_times_as_people_write_them(text: str, meant: datetime) -> None:
    assert parse(text, NOW) == meant


EAST = timezone(timedelta(hours=2))


@pytest.mark.parametrize(
    ("at", "meant"),
    [
        (date(2026, 11, 1), datetime(2026, 11, 1, tzinfo=UTC)),
        (datetime.fromisoformat("2026-11-01T09:30"), datetime(2026, 11, 1, 9, 30, tzinfo=UTC)),
        (datetime.min.replace(tzinfo=EAST), datetime.min.replace(tzinfo=EAST)),
    ],
)
def test_without_a_zone_it_is_utc(at: date, meant: datetime) -> None:
    assert zoned(at) == meant
