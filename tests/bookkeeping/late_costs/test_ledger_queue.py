"""Which calls in the ledger are asked about, when, and what is remembered of it."""

import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs import ledger_queue as module
from spancast.bookkeeping.late_costs.ledger_queue import OLDEST_SECONDS, LedgerQueue, give_up, given_up_counts
from spancast.records.late import LateFacts
from tests.bookkeeping.records import call

SEGMENT = "writer-000001.seg"
HOUR = 3600 * 10**9


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        yield opened


def a_minute_ago(**facts):
    given = {"started_at": time.time_ns() - 60 * 10**9, "outcome": "closed", "generation_id": "gen-1"}
    return call(**(given | facts))


def due(book):
    return [lookup.call_id for lookup in LedgerQueue(book, "key").due(10)]


def test_what_is_asked_for_is_the_cost_of_a_call_that_was_cut_short(book):
    cut = a_minute_ago(server_address="127.0.0.1", server_port=8087)
    book.apply(SEGMENT, 1, [cut])
    (lookup,) = LedgerQueue(book, "sk-or-v1-secret").due(10)
    assert (lookup.call_id, lookup.generation_id, lookup.misses) == (cut.call_id, "gen-1", 0)
    assert lookup.server == "http://127.0.0.1:8087/api/v1"
    assert "secret" not in repr(lookup)


@pytest.mark.parametrize("outcome", ["closed", "cancelled", "abandoned", "killed", "error", "completed"])
def test_however_the_call_ended_its_cost_is_asked_for_if_it_is_unknown(book, outcome):
    book.apply(SEGMENT, 1, [a_minute_ago(outcome=outcome)])
    assert len(due(book)) == 1


@pytest.mark.parametrize(
    "facts",
    [
        {"cost": Decimal(0), "cost_source": "response"},
        {"generation_id": None},
        {"http_status": 502, "outcome": "error"},
        {"operation": "video", "response_id": "job-1"},
        {"operation": "batch", "response_id": "batch-1"},
        {"started_at": time.time_ns() - (OLDEST_SECONDS + 3600) * 10**9},
    ],
)
def test_nobody_asks_where_the_cost_is_known_or_cannot_be_had(book, facts):
    book.apply(SEGMENT, 1, [a_minute_ago(**facts)])
    assert due(book) == []
    assert LedgerQueue(book, "key").next_due() is None


def test_an_estimate_does_not_keep_from_asking(book):
    cut = a_minute_ago()
    book.apply(SEGMENT, 1, [cut, LateFacts(at=1, source="prices", call_id=cut.call_id, cost=Decimal(1))])
    assert due(book) == [cut.call_id]


def test_the_first_try_comes_seconds_behind_the_end_of_the_call(book):
    now = time.time_ns()
    book.apply(SEGMENT, 1, [a_minute_ago(started_at=now - 10 * 10**9, duration=9_500_000_000)])
    assert due(book) == []
    assert 1.0 < LedgerQueue(book, "key").next_due() <= 1.5


def test_the_newest_calls_come_first(book):
    now = time.time_ns()
    old, new = a_minute_ago(started_at=now - 2 * HOUR), a_minute_ago(started_at=now - HOUR)
    book.apply(SEGMENT, 1, [old, new])
    assert due(book) == [new.call_id, old.call_id]


def test_the_tries_are_remembered_by_the_next_process(tmp_path, book):
    book.apply(SEGMENT, 1, [a_minute_ago()])
    queue = LedgerQueue(book, "key")
    (lookup,) = queue.due(10)
    queue.retry_later(replace(lookup, misses=3), 0.0)
    with closing(Book(tmp_path)) as again:
        assert [each.misses for each in LedgerQueue(again, "key").due(10)] == [3]
        LedgerQueue(again, "key").retry_later(lookup, 100.0)
        assert due(again) == []
        assert 99.0 < LedgerQueue(again, "key").next_due() <= 100.0


def test_what_is_given_up_is_counted_and_asked_for_no_more(book):
    cuts = [a_minute_ago(), a_minute_ago()]
    book.apply(SEGMENT, 1, cuts)
    first, second = LedgerQueue(book, "key").due(10)
    LedgerQueue(book, "key").give_up(first, "not found")
    give_up(book, second, "HTTP 400")
    assert due(book) == []
    assert given_up_counts(book) == {"HTTP 400": 1, "not found": 1}


def test_nothing_is_remembered_of_a_cost_that_came(book):
    cut = a_minute_ago()
    book.apply(SEGMENT, 1, [cut])
    queue = LedgerQueue(book, "key")
    queue.resolve(queue.due(1)[0])
    book.apply(SEGMENT, 2, [LateFacts(at=1, source="generation", call_id=cut.call_id, cost=Decimal(1))])
    with book.reading() as connection:
        assert connection.execute("SELECT count(*) FROM lookups").fetchone()[0] == 0


def test_a_key_that_was_refused_is_not_used_again(book):
    book.apply(SEGMENT, 1, [a_minute_ago()])
    queue = LedgerQueue(book, "key")
    queue.refuse_key(queue.due(1)[0])
    assert (queue.due(1), queue.next_due()) == ([], None)
    assert len(due(book)) == 1


def test_looking_for_what_is_wanted_does_not_walk_the_ledger(book):
    with book.reading() as connection:
        values = {"oldest": 0, "first": 0, "now": 0, "limit": 1}
        plan = [row["detail"] for row in connection.execute(f"EXPLAIN QUERY PLAN {module._DUE}", values)]
    assert plan[0] == "SEARCH entries USING INDEX entries_awaiting_cost (started_at>?)"
