"""An answer that lacks calls which were pruned says so, and from when on it lacks none."""

from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import spancast
from spancast.bookkeeping import upkeep
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.latency import latency, whole_since
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY
from tests.bookkeeping.records import call, emptied

START = 20_700
"""A day in September 2026, since 1970."""
FIRST = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=START)
BY = [
    [],
    ["user"],
    ["day"],
    ["session"],
    ["hour"],
    ["tag:f"],
    ["model"],
    ["user", "model"],
    ["month"],
    ["user", "week"],
]


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        yield opened


records = st.fixed_dictionaries(
    {
        "started_at": st.integers(START * 4, (START + 12) * 4).map(lambda quarter: quarter * (DAY // 4)),
        "user": st.sampled_from([None, "a", "b"]),
        "session": st.sampled_from([None, "s"]),
        "tags": st.sampled_from([{}, {"f": "x"}]),
        "response_model": st.sampled_from(["m", "n"]),
        "duration": st.integers(1, 10**10),
        "cost": st.none() | st.integers(1, 9).map(Decimal),
    }
)
moments = st.none() | st.integers(0, 12 * 24).map(lambda hours: FIRST + timedelta(hours=hours))
filters = st.builds(
    Filter,
    since=moments,
    until=moments,
    user=st.sampled_from([None, "a"]),
    model=st.sampled_from([None, "m"]),
    tags=st.sampled_from([{}, {"f": "x"}]),
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=8), st.integers(0, 13), st.sampled_from(BY), filters)
def test_what_does_not_say_so_lacks_nothing(book, several, days, by, chosen):
    emptied(book).apply("writer-000001.seg", 1, [call(**each) for each in several])
    whole, timed = costs(book, by, chosen), latency(book, by, chosen)
    assert whole.complete_since is None
    later = replace(chosen, since=max(chosen.since or FIRST, FIRST + timedelta(days=days)))
    of_later = costs(book, by, later)
    upkeep.prune(book, START + days)
    found = costs(book, by, chosen)
    if found.complete_since is None:
        assert found == whole
    else:
        assert found.complete_since == (FIRST + timedelta(days=days)).date()
        assert costs(book, by, later) == of_later
    if whole_since(book, by, chosen) is None:
        assert latency(book, by, chosen) == timed


def test_it_is_in_the_report_of_a_program(book, tmp_path):
    several = [call(started_at=(START + day) * DAY, session="s") for day in (0, 5)]
    book.apply("writer-000001.seg", 1, several)
    upkeep.prune(book, START + 2)
    with spancast.ledger(tmp_path) as ledger:
        assert ledger.costs(by=["session"]).complete_since == (FIRST + timedelta(days=2)).date()
        assert ledger.costs(by=["day"]).complete_since is None
