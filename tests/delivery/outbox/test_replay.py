"""What a destination is sent after all."""

import time
from contextlib import closing

import pytest

from spancast.delivery.outbox import replay
from spancast.delivery.outbox.ack import AMBIGUOUS, Ack
from spancast.delivery.outbox.outbox import Outbox
from tests.support.calls import a_call
from tests.support.faults.desk import assert_adds_up

SEGMENT = "writer-000001.seg"
HOUR = 3600 * 10**9


@pytest.fixture
def outbox(tmp_path):
    with closing(Outbox(tmp_path)) as opened:
        yield opened
        assert_adds_up(opened.standings())


def put(outbox, count, destinations=("old",), **facts):
    calls = [a_call(destinations=destinations, **facts) for _ in range(count)]
    outbox.apply(SEGMENT, outbox.committed_offset(SEGMENT) + count, calls)
    return calls


def deliver(outbox, name):
    found = []
    while waiting := outbox.take(name, 7):
        seqs = [each.seq for each in waiting]
        outbox.ack(
            name, Ack(cursor=max((each.seq for each in waiting if not each.excepted), default=0), delivered=seqs)
        )
        found += [each.call for each in waiting]
        assert_adds_up(outbox.standings())
    return found


def standing(outbox, name="new"):
    return next(each for each in outbox.standings() if each.name == name)


def test_a_destination_that_was_added_today_is_sent_the_past(outbox):
    calls = put(outbox, 20)
    outbox.register("new", "otlp", None)
    assert outbox.replay("new", 0) == 20
    assert (standing(outbox).captured, standing(outbox).waiting) == (20, 20)
    assert standing(outbox).reasons == {replay.REPLAYED: 20}
    assert deliver(outbox, "new") == calls
    assert standing(outbox).delivered == 20


def test_the_second_time_nothing_is_sent_again(outbox):
    put(outbox, 5)
    outbox.replay("new", 0)
    assert outbox.replay("new", 0) == 0
    deliver(outbox, "new")
    assert outbox.replay("new", 0) == 0
    assert standing(outbox).captured == 5


def test_what_it_has_or_waits_for_is_not_sent_again(outbox):
    put(outbox, 5, destinations=("old", "new"))
    deliver(outbox, "new")
    put(outbox, 5, destinations=("old", "new"))
    before = put(outbox, 3)
    assert outbox.replay("new", 0) == 3
    assert len(deliver(outbox, "new")) == 8
    assert standing(outbox).captured == 13
    assert before


def test_only_the_calls_since_then_are_sent(outbox):
    now = time.time_ns()
    put(outbox, 3, started_at=now - 10 * HOUR)
    young = put(outbox, 2, started_at=now - HOUR)
    assert outbox.replay("new", now - 5 * HOUR) == 2
    assert deliver(outbox, "new") == young
    assert outbox.replay("new", 0) == 3


def test_what_lies_before_a_replayed_record_is_not_passed_over(outbox):
    outbox.register("new", "otlp", None)
    first = put(outbox, 30, destinations=("new",))
    later = put(outbox, 30)
    outbox.replay("new", 0)
    assert sorted(call.call_id for call in deliver(outbox, "new")) == [call.call_id for call in [*first, *later]]
    assert (standing(outbox).delivered, standing(outbox).waiting) == (60, 0)


def test_what_is_dead_is_sent_but_for_what_the_platform_may_have(outbox):
    put(outbox, 4, destinations=("new",))
    waiting = outbox.take("new", 4)
    reasons = dict(zip((each.seq for each in waiting), ("HTTP 400", AMBIGUOUS, "HTTP 413", AMBIGUOUS), strict=True))
    outbox.ack("new", Ack(cursor=waiting[-1].seq, dead=reasons))
    assert outbox.replay("new", 0) == 2
    assert (standing(outbox).dead, standing(outbox).waiting) == (2, 2)
    assert standing(outbox).reasons == {AMBIGUOUS: 2, replay.REPLAYED: 2}
    assert outbox.replay("new", 0, ambiguous=True) == 2
    assert len(deliver(outbox, "new")) == 4
    assert (standing(outbox).dead, standing(outbox).delivered, standing(outbox).captured) == (0, 4, 4)


def test_more_records_than_one_transaction_takes_are_replayed_once_each(outbox, monkeypatch):
    monkeypatch.setattr(replay, "BATCH_RECORDS", 10)
    calls = put(outbox, 45)
    assert outbox.replay("new", 0) == 45
    assert deliver(outbox, "new") == calls


def test_a_call_that_named_no_destination_is_replayed(outbox):
    calls = put(outbox, 3, destinations=())
    assert outbox.replay("new", 0) == 3
    assert deliver(outbox, "new") == calls


def test_other_destinations_are_not_touched(outbox):
    put(outbox, 5)
    deliver(outbox, "old")
    outbox.replay("new", 0)
    assert (standing(outbox, "old").delivered, outbox.take("old", 10)) == (5, ())
