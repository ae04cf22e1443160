import json
import time
from contextlib import closing

from spancast.ledger.book import Book
from spancast.ledger.lookups import Lookups
from tests.ledger.records import call


def late_costs(spancast):
    findings = json.loads(spancast("doctor", "--json")[1])
    return [(finding["state"], finding["seen"]) for finding in findings if finding["what"] == "late costs"]


def book_a_cut_call(home):
    with closing(Book(home)) as book:
        book.apply("w-1.seg", 1, [call(outcome="closed", generation_id="gen-1", started_at=time.time_ns() - 10**10)])


def test_costs_that_could_be_asked_for_are_told_with_the_cure(home, spancast):
    book_a_cut_call(home)
    ((state, seen),) = late_costs(spancast)
    assert (state, seen) == (
        "note",
        "1 call of the last week without one. Set SPANCAST_BACKFILL_KEY to ask OpenRouter for them.",
    )


def test_costs_that_were_asked_for_in_vain_are_counted(home, spancast, monkeypatch):
    monkeypatch.setenv("SPANCAST_BACKFILL_KEY", "sk-or-v1-canary")
    book_a_cut_call(home)
    with closing(Book(home)) as book:
        lookups = Lookups(book, "key")
        lookups.given_up(lookups.due(1)[0], "not found")
    assert late_costs(spancast) == [("ok", "0 are asked for; 1 given up: not found")]
    assert "canary" not in spancast("doctor", "--json")[1]


def test_where_every_cost_is_known_there_is_nothing_to_tell(home, spancast):
    with closing(Book(home)) as book:
        book.apply("w-1.seg", 1, [call()])
    assert late_costs(spancast) == []
