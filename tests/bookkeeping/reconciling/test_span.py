from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from spancast.bookkeeping.reconciling.span import Span

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
moments = st.timedeltas(min_value=timedelta(days=-30), max_value=timedelta(days=30)).map(lambda ago: NOON + ago)


def test_the_days_of_a_span_are_whole_but_for_the_first_and_the_last():
    days = list(Span(NOON, NOON + timedelta(days=2)).days())
    assert [(each.day, each.is_day) for each in days] == [
        ("2026-11-26", False),
        ("2026-11-27", True),
        ("2026-11-28", False),
    ]


@given(moments, moments)
def test_pieces_leave_nothing_out_and_do_not_overlap(one, other):
    span = Span(*sorted((one, other)))
    for pieces in (list(span.days()), span.halves()):
        if pieces:
            assert (pieces[0].start, pieces[-1].end) == (span.start, span.end)
        assert all(before.end == after.start for before, after in pairwise(pieces))


def test_the_end_is_not_within():
    span = Span(NOON, NOON + timedelta(seconds=1))
    assert NOON in span
    assert span.end not in span


def test_a_second_is_not_halved():
    second = Span(NOON, NOON + timedelta(seconds=1))
    assert second.halves() == [second]
    assert len(Span(NOON, NOON + timedelta(seconds=2)).halves()) == 2
