"""Who asks for late costs by which settings, and which calls a destination waits for."""

from contextlib import closing
from decimal import Decimal

import pytest

from spancast import workers
from spancast.bookkeeping.book import Book
from spancast.capture.http_request import HttpRequest
from spancast.settings.resolve import resolve
from tests.bookkeeping.records import call

CUT = call(outcome="closed", generation_id="gen-1")
KILLED = call(outcome="killed", generation_id="gen-1")
WHOLE = call(generation_id="gen-1", cost=Decimal(1), cost_source="response")
COUNTED = call(input_tokens=1, output_tokens=1)
ESTIMATED = call(generation_id="gen-1", input_tokens=1, output_tokens=1, cost=Decimal(1), cost_source="prices")
VIDEO = call(operation="video", response_id="job-1")
BATCH = call(operation="batch", response_id="batch-1")
CALLS = {
    "cut": CUT,
    "killed": KILLED,
    "whole": WHOLE,
    "counted": COUNTED,
    "estimated": ESTIMATED,
    "video": VIDEO,
    "batch": BATCH,
}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, {"video"}),
        ({"backfill": "caller-key"}, {"video", "cut", "estimated"}),
        ({"backfill_key": "sk-1"}, {"video", "cut", "killed", "estimated"}),
        ({"estimate": True}, {"video", "counted"}),
    ],
)
def test_a_cost_is_expected_where_somebody_asks_for_it(settings, expected, tmp_path):
    expects = workers.expects_cost(resolve({"home": tmp_path, **settings}))
    assert {name for name, each in CALLS.items() if expects(each)} == expected


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({}, []),
        ({"backfill": "caller-key"}, []),
        ({"backfill_key": "sk-1"}, ["late costs"]),
        ({"backfill_key": "sk-1", "estimate": True}, ["late costs", "estimates"]),
    ],
)
def test_the_ledger_is_worked_through_where_that_is_wished(settings, names, tmp_path):
    with closing(Book(tmp_path)) as book:
        found = workers.ledger_workers(resolve({"home": tmp_path, **settings}), book, print)
    assert [worker.name for worker in found] == names


def test_a_key_for_all_calls_makes_the_callers_own_unnecessary(tmp_path):
    own = {"home": tmp_path, "backfill": "caller-key"}
    assert workers.uses_caller_keys(resolve(own))
    assert not workers.uses_caller_keys(resolve(own | {"backfill_key": "sk-1"}))


def request(**headers: str) -> HttpRequest:
    path = "/api/v1/chat/completions"
    return HttpRequest("POST", "https", "openrouter.ai", None, path, headers, b"{}")


def test_a_request_without_a_key_is_not_watched(tmp_path):
    with closing(Book(tmp_path)) as book:
        own = workers.CallerKeyLookups(book, print)
        assert own.callback(request()) is None
        tell = own.callback(request(authorization="Bearer sk-1"))
        assert tell is not None
        for each in CALLS.values():
            tell(each)
        assert [wanted.call_id for wanted in own._queue._offered] == [CUT.call_id, KILLED.call_id, ESTIMATED.call_id]
