"""Points in time are exact, and the same text wherever they are shown."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from spancast.cli.exporting.columns import COLUMNS
from spancast.cli.output.instants import at, written


@given(st.integers(0, 2**62))
def test_a_time_is_cut_to_the_microsecond_and_never_rounded(nanoseconds: int) -> None:
    told = datetime.fromisoformat(written(at(nanoseconds)))
    since = told - datetime(1970, 1, 1, tzinfo=UTC)
    assert (since.days * 86_400 + since.seconds) * 10**6 + since.microseconds == nanoseconds // 1000


def test_whole_seconds_have_their_zeros() -> None:
    assert written(at(1_793_525_400 * 10**9)) == "2026-11-01T09:30:00.000000Z"


def test_an_exported_time_is_the_same() -> None:
    (started,) = (column for column in COLUMNS if column.name == "started_at")

    class Row:
        started_at = 1_793_525_400_123_456_789

    assert written(started.read(Row)) == "2026-11-01T09:30:00.123456Z"  # type: ignore[arg-type]
