from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spancast.bookkeeping.reconciling.period import Period

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
moments = st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30)).map(lambda ago: NOON + ago)


def test_the_days_of_a_span_are_whole_but_for_the_first_and_the_last():
    days = list(Period(NOON, NOON + timedelta(days=2)).days())
    assert [(each.day, each.is_day) for each in days] == [
        ("2026-11-26", False),
        ("2026-11-27", True),
        ("2026-11-28", False),
    ]


@given(moments, moments)
def test_pieces_leave_nothing_out_and_do_not_overlap(one, other):
    period = Period(*sorted((one, other)))
    for pieces in (list(period.days()), period.halves()):
        if pieces:
            assert (pieces[0].start, pieces[-1].end) == (period.start, period.end)
        assert all(before.end == after.start for before, after in pairwise(pieces))


def test_the_end_is_not_within():
    period = Period(NOON, NOON + timedelta(seconds=1))
    assert NOON in period
    assert period.end not in period


def test_a_second_is_not_halved():
    second = Period(NOON, NOON + timedelta(seconds=1))
    assert second.halves() == [second]
    assert len(Period(NOON, NOON + timedelta(seconds=2)).halves()) == 2
