"""Whatever table an answer is read from, it is the one that the single calls give."""

import statistics
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.latency import latency
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call, emptied

START = datetime(2026, 8, 20, tzinfo=UTC)
HOURS = 80 * 24
"""Two whole months lie in them."""
names = st.sampled_from([None, "a", "b"])
moments = st.integers(0, HOURS).map(lambda hours: START + timedelta(hours=hours))
records = st.fixed_dictionaries(
    {
        "started_at": moments.map(lambda at: int(at.timestamp()) * 10**9 + 1),
        "user": names,
        "session": names,
        "request_model": names,
        "response_model": names,
        "provider": names,
        "operation": st.sampled_from(["chat", "image"]),
        "error_type": st.sampled_from([None, None, "429"]),
        "cost": st.none() | st.integers(0, 10**6).map(lambda n: Decimal(n) / 10**9) | st.just(Decimal("1e8")),
        "input_tokens": st.none() | st.integers(0, 99) | st.just(2**63 - 1),
        "streamed": st.booleans(),
        "duration": st.none() | st.integers(10**6, 10**11),
        "time_to_first_token": st.none() | st.integers(10**5, 10**6),
        "output_tokens": st.none() | st.integers(0, 99),
    }
)
filters = st.builds(
    Filter,
    since=st.none() | moments,
    until=st.none() | moments,
    user=names,
    model=names,
    provider=names,
    operation=st.none() | st.just("chat"),
)
spent = st.none() | st.sampled_from(["0", "1", "1", "2.5", "40", "-3", "1e8"]).map(Decimal)
spendings = st.fixed_dictionaries(
    {
        "user": st.none() | st.integers(1, 40).map(str),
        "started_at": moments.map(lambda at: int(at.timestamp()) * 10**9),
        "cost": spent,
    }
)
counts = st.integers(1, 4)
dimensions = st.lists(
    st.sampled_from(
        ["user", "model", "provider", "day", "month", "week", "operation", "error_type", "session", "hour"]
    ),
    unique=True,
    max_size=3,
)


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        yield opened


def told(row, dimension: str) -> str | None:
    at = START.fromtimestamp(row.started_at // 10**9, UTC)
    times = {
        "day": at.date().isoformat(),
        "month": f"{at:%Y-%m}",
        "week": (at.date() - timedelta(days=at.weekday())).isoformat(),
        "hour": f"{at:%Y-%m-%dT%H:00Z}",
    }
    if dimension == "model":
        return row.response_model or row.request_model
    return times[dimension] if dimension in times else getattr(row, dimension)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=12), dimensions, filters)
def test_costs_are_those_of_the_single_calls(book, known, by, chosen):
    emptied(book)
    book.apply("writer-000001.seg", 1, [call(**each) for each in known])
    expected = defaultdict(lambda: [0, 0, None, None])
    for row in calls(book, chosen):
        sums = expected[tuple(told(row, each) for each in by)]
        sums[0] += 1
        sums[1] += row.error_type is not None
        sums[2] = sums[2] if row.cost is None else (sums[2] or 0) + row.cost
        sums[3] = sums[3] if row.input_tokens is None else (sums[3] or 0) + row.input_tokens
    found = {
        tuple(row.group[each] for each in by): [row.calls, row.errors, row.cost, row.input_tokens]
        for row in costs(book, by, chosen).rows
    }
    assert found == dict(expected)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(records, max_size=12), dimensions, filters)
def test_latencies_are_those_of_the_single_calls(book, known, by, chosen):
    emptied(book)
    book.apply("writer-000001.seg", 1, [call(**each) for each in known])
    durations = defaultdict(list)
    for row in calls(book, chosen):
        if row.error_type is None and row.duration is not None:
            durations[tuple(told(row, each) for each in by)].append(row.duration)
    found = {tuple(row.group[each] for each in by): row for row in latency(book, by, chosen)}
    assert {group: row.calls for group, row in found.items()} == {group: len(each) for group, each in durations.items()}
    for group, each in durations.items():
        median = statistics.median_low(each)
        assert abs(found[group].p50 - median) <= 0.022 * median


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 40), moments, spent), max_size=60),
    st.none() | moments,
    st.none() | moments,
    counts,
)
def test_the_dearest_users_are_the_first_of_all_users(book, known, since, until, count):
    emptied(book)
    told = (
        call(user=str(user) if user else None, started_at=int(at.timestamp()) * 10**9, cost=cost)
        for user, at, cost in known
    )
    book.apply("writer-000001.seg", 1, list(told))
    chosen = Filter(since=since, until=until)
    whole = costs(book, ["user"], chosen)
    first = costs(book, ["user"], chosen, count)
    assert first.total == whole.total
    assert first.rows == whole.rows[:count]
