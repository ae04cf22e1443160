from contextlib import closing
from datetime import UTC, datetime, timedelta

from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling.period import Period
from spancast.bookkeeping.reconciling.survey import survey
from spancast.bookkeeping.reconciling.why import Scope
from tests.bookkeeping.reconciling.rows import AT, amount
from tests.bookkeeping.records import call

NOW = datetime.fromtimestamp(AT, UTC)
SPAN = Period(NOW, NOW + timedelta(days=2))
SCOPE = Scope(server="openrouter.ai", keys=frozenset({"a" * 64, "b" * 64}), now=NOW)


def booked(key, cost, after=0, server="openrouter.ai"):
    at = (AT + after) * 10**9
    return call(key_hash=key, cost=amount(cost).credits, started_at=at, server_address=server, cost_source="response")


def test_one_reading_tells_days_and_keys_within_a_scope_and_without(tmp_path):
    calls = [
        booked("a" * 64, "0.1"),
        booked("b" * 64, "0.2"),
        booked(None, "0.4"),
        booked("a" * 64, "0.8", after=24 * 3600),
        booked("c" * 64, "1.6"),
        booked("a" * 64, "3.2", server="gateway.local"),
        booked("a" * 64, "6.4", after=-1),
    ]
    with closing(Book(tmp_path)) as book:
        book.apply("w-1.seg", 1, calls)
        found = survey(book, SPAN)
    within = found.within(SCOPE)
    assert {day: (tally.calls, tally.total) for day, tally in within.items()} == {
        "2026-11-26": (3, amount("0.7")),
        "2026-11-27": (1, amount("0.8")),
    }
    assert found.goes_beyond(SCOPE)
    assert not found.goes_beyond(Scope(now=NOW))
