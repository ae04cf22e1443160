"""The sums that are kept are those of the single calls, whatever was booked, amended or pruned."""

from contextlib import closing
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.latency import latency
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.rollups import DAY
from spancast.errors import SpancastError
from spancast.records.late import LateFacts
from tests.bookkeeping.records import call, emptied

SEGMENT = "writer-000001.seg"
START = 20_700
"""A day in September 2026, since 1970; the month ends within the days that are tried."""


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        yield opened


costs_stated = st.none() | st.sampled_from(["0", "0.000012", "3", "-0.5", "4611686.018427387904", "1e9"]).map(Decimal)
tokens = st.none() | st.integers(0, 9) | st.just(2**62)
records = st.fixed_dictionaries(
    {
        "call_id": st.integers(0, 9).map(str),
        "started_at": st.integers(START * 4, (START + 40) * 4).map(lambda quarter: quarter * (DAY // 4)),
        "outcome": st.sampled_from(["completed", "killed", "error", None]),
        "operation": st.sampled_from(["chat", "video"]),
        "user": st.sampled_from([None, "a", "b"]),
        "response_model": st.sampled_from([None, "m"]),
        "error_type": st.sampled_from([None, "429"]),
        "http_status": st.sampled_from([None, 200, 402]),
        "streamed": st.booleans(),
        "duration": st.none() | st.integers(0, 10**10),
        "time_to_first_token": st.none() | st.integers(0, 10**9),
        "input_tokens": tokens,
        "output_tokens": tokens,
        "cost": costs_stated,
        "cost_source": st.sampled_from(["response", "prices"]),
    }
)
words = st.fixed_dictionaries(
    {
        "call_id": st.integers(0, 9).map(str),
        "at": st.just(1),
        "source": st.sampled_from(["generation", "prices"]),
        "cost": costs_stated,
        "output_tokens": tokens,
        "provider": st.sampled_from([None, "Azure"]),
    }
)
batches = st.lists(
    st.lists(records.map(lambda known: call(**known)) | words.map(lambda said: LateFacts(**said)), max_size=6)
)


def sums(book: Book) -> list:
    by = (["day"], ["user"], ["model", "month"], ["provider"], ["error_type", "day"], [])
    return [costs(book, each, Filter()) for each in by]


@settings(deadline=None, max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_the_sums_are_those_of_the_calls(book, batches):
    emptied(book)
    for number, batch in enumerate(batches):
        book.apply(SEGMENT, number, batch)
        assert upkeep.check(book) == []


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches, st.integers(0, 41), batches)
def test_the_sums_outlive_the_calls(book, before, days, after):
    emptied(book)
    for batch in before:
        book.apply(SEGMENT, 1, batch)
    whole = sums(book)
    upkeep.prune(book, START + days)
    assert sums(book) == whole
    assert upkeep.check(book) == []
    upkeep.rebuild(book)
    assert sums(book) == whole
    for batch in after:
        book.apply(SEGMENT, 2, batch)


@settings(deadline=None, max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches)
def test_sums_made_anew_are_the_same(book, batches):
    emptied(book)
    for batch in batches:
        book.apply(SEGMENT, 1, batch)
    with book.reading() as connection:
        before = dump(connection)
    assert upkeep.rebuild(book) == (len(list(calls(book, Filter()))), 0)
    with book.reading() as connection:
        assert dump(connection) == before


def dump(connection) -> list:
    tables = ("kinds_daily", "users_daily", "users_monthly", "latencies")
    return [sorted(map(tuple, connection.execute(f"SELECT * FROM {table}"))) for table in tables]


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE kinds_daily SET cost = cost + 1",
        "UPDATE users_daily SET calls = calls + 1",
        "UPDATE users_monthly SET cost = cost + 1",
        "UPDATE latencies SET calls = calls + 1",
        "DELETE FROM kinds_daily",
        "DELETE FROM entries",
        "DELETE FROM texts",
        "DELETE FROM texts WHERE text = 'a'",
        "DELETE FROM kinds",
    ],
)
def test_a_sum_that_is_wrong_is_found_and_mended(book, harm):
    book.apply(SEGMENT, 1, [call(user="a", cost=Decimal("0.5"), duration=5, started_at=START * DAY)])
    with book.writing() as connection:
        connection.execute(harm)
    assert upkeep.check(book)
    upkeep.rebuild(book)
    assert upkeep.check(book) == []


HARMS = ["'a'", "'here'", """'{"team":"blue"}'""", """'["chat","m",null]'"""]
ASKED = (["user"], ["session"], ["tag:team"], ["user", "model"])


@pytest.mark.parametrize("text", HARMS)
def test_what_a_lost_text_stood_for_is_told_and_mended_without_loss_of_a_dollar(book, text):
    said = {"session": "here", "tags": {"team": "blue"}, "response_model": "m"}
    booked = [call(user=user, cost=Decimal(1), duration=5, started_at=START * DAY, **said) for user in ("a", "a", "b")]
    book.apply(SEGMENT, 1, booked)
    with book.writing() as connection:
        assert connection.execute(f"DELETE FROM texts WHERE text = {text}").rowcount == 1
    assert any("lost" in problem for problem in upkeep.check(book))
    with pytest.raises(SpancastError, match="`spancast ledger rebuild` repairs"):
        asked(book)
    assert upkeep.rebuild(book) == (3, 1)
    assert upkeep.check(book) == []
    assert asked(book) == [
        [Decimal(1), Decimal(2)],
        [Decimal(3)],
        [Decimal(3)],
        [Decimal(1), Decimal(2)],
        [row.call_id for row in calls(book, Filter())],
        3,
    ]


def asked(book: Book) -> list:
    return [
        *(sorted(row.cost for row in costs(book, by, Filter())) for by in ASKED),
        [row.call_id for row in calls(book, Filter())],
        sum(row.calls for row in latency(book, ["model"], Filter())),
    ]


def test_dollars_of_pruned_days_outlive_a_lost_name(book):
    old = [call(user=user, cost=Decimal(1), duration=5, started_at=START * DAY) for user in ("a", "b")]
    book.apply(SEGMENT, 1, old)
    upkeep.prune(book, START + 1)
    with book.writing() as connection:
        connection.execute("DELETE FROM texts")
        connection.execute("DELETE FROM kinds")
    assert len(upkeep.check(book)) == 4
    upkeep.rebuild(book)
    assert upkeep.check(book) == []
    assert [row.cost for row in costs(book, ["user"], Filter())] == [Decimal(1), Decimal(1)]
    assert [row.group for row in costs(book, ["model"], Filter())] == [{"model": None}]
    assert latency(book, [], Filter())[0].calls == 2


def test_what_is_pruned_is_gone_and_what_is_owed_is_not(book):
    old, new = START * DAY, (START + 2) * DAY
    kept = [call(started_at=old, operation="video", response_id="job-1"), call(started_at=new, session="new")]
    book.apply(SEGMENT, 1, [call(started_at=old, session="old", cost=Decimal(1)), *kept])
    assert upkeep.prune(book, START + 1) == 1
    assert [row.call_id for row in calls(book, Filter())] == [each.call_id for each in kept]
    with book.reading() as connection:
        texts = {row[0] for row in connection.execute("SELECT text FROM texts")}
    assert "new" in texts
    assert "old" not in texts
    book.apply(SEGMENT, 2, [LateFacts(at=1, source="response", job_id="job-1", cost=Decimal(2))])
    assert costs(book, [], Filter()).total.cost == Decimal(3)
