import argparse
from datetime import UTC, datetime

import pytest

from spancast.cli.arguments.when import _moment, moment

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
def test_times_as_people_write_them(text, meant):
    assert _moment(text, NOW) == meant


@pytest.mark.parametrize("text", ["", "ever", "7", "7y", "-7d", "2026-13-01", "999999999w", "٣d"])
def test_what_means_no_time_is_refused_with_the_cure(text):
    with pytest.raises(argparse.ArgumentTypeError, match="Write 30m, 24h, 7d or 2w"):
        moment(text)
