"""What the outbox lets go of for its age."""

import time
from contextlib import closing
from decimal import Decimal

import pytest

from spancast.delivery.outbox import retention
from spancast.delivery.outbox.ack import NOT_SENT_AGAIN, Ack, Open, RecordWait
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.outbox import Outbox
from spancast.records.content import Content
from spancast.records.late import LateFacts
from tests.support.calls import a_call
from tests.support.faults.clock import Clocks
from tests.support.faults.desk import assert_adds_up

SEGMENT = "writer-000001.seg"
DAY = 86_400.0


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


@pytest.fixture
def outbox(tmp_path):
    with closing(Outbox(tmp_path, Limits(10**9, age=30 * DAY, retention=7 * DAY))) as opened:
        yield opened
        assert_adds_up(opened.standings())


def put(outbox, count, **facts):
    calls = [a_call(**{"content": True, **facts}) for _ in range(count)]
    records = [*calls, *(Content(call_id=call.call_id, input_messages="words") for call in calls)]
    outbox.apply(SEGMENT, outbox.committed_offset(SEGMENT) + len(records), records)
    return calls


def deliver(outbox, name="platform"):
    waiting = outbox.take(name, 10_000)
    outbox.ack(name, Ack(cursor=waiting[-1].seq, delivered=[each.seq for each in waiting]))


def tend(outbox):
    while outbox.prune():
        assert_adds_up(outbox.standings())


def rows(outbox):
    """Return how many rows each table has that is about records."""
    tables = ("record", "content", "exception", "replayed", "route", "routed", "late")
    with outbox._store.reading() as connection:
        return {table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables}


def standing(outbox, name="platform"):
    return next(each for each in outbox.standings() if each.name == name)


def test_what_was_delivered_is_kept_for_the_retention_and_then_gone_with_all_that_hangs_on_it(outbox, clocks):
    put(outbox, 20)
    deliver(outbox)
    clocks.passed += 6 * DAY
    tend(outbox)
    assert rows(outbox)["record"] == rows(outbox)["content"] == 20
    clocks.passed += 2 * DAY
    tend(outbox)
    assert set(rows(outbox).values()) == {0}
    assert (standing(outbox).delivered, standing(outbox).captured) == (20, 20)


def test_it_happens_by_itself_while_calls_come_in(outbox, clocks):
    put(outbox, 20)
    deliver(outbox)
    clocks.passed += 8 * DAY
    put(outbox, 1)
    assert rows(outbox)["record"] == 1


def test_what_one_destination_still_waits_for_stays(outbox, clocks):
    put(outbox, 10, destinations=("one", "two"))
    deliver(outbox, "one")
    clocks.passed += 8 * DAY
    tend(outbox)
    assert (rows(outbox)["record"], standing(outbox, "two").waiting) == (10, 10)
    deliver(outbox, "two")
    tend(outbox)
    assert rows(outbox)["record"] == 0


def test_more_than_is_looked_at_at_a_time_goes_too_also_behind_what_stays(outbox, clocks, monkeypatch):
    monkeypatch.setattr(retention, "_BATCH_RECORDS", 10)
    put(outbox, 25, destinations=("slow",))
    put(outbox, 55)
    deliver(outbox)
    clocks.passed += 8 * DAY
    tend(outbox)
    assert (rows(outbox)["record"], standing(outbox, "slow").waiting) == (25, 25)


def test_what_waited_too_long_is_shed_with_its_dollars(outbox, clocks):
    calls = put(outbox, 5)
    first, second, *_ = outbox.take("platform", 10)
    waiting = {first.seq: "HTTP 503"}
    held = {second.seq: RecordWait(time.time() + 5, "cost expected")}
    outbox.ack("platform", Ack(cursor=second.seq, waiting=waiting, held=held))
    clocks.passed += 29 * DAY
    tend(outbox)
    assert standing(outbox).waiting == 5
    young = put(outbox, 2)
    clocks.passed += 2 * DAY
    tend(outbox)
    one = standing(outbox)
    assert (one.shed, one.waiting, one.reasons) == (5, 2, {retention.WAITED_TOO_LONG: 5})
    assert one.shed_usd == sum(call.cost for call in calls)
    assert [each.call for each in outbox.take("platform", 10)] == young


def test_what_waited_too_long_to_be_sent_again_with_its_cost_is_delivered_all_the_same(outbox, clocks):
    calls = put(outbox, 2, outcome="closed", cost=None, generation_id="gen-1")
    first, second = outbox.take("platform", 10)
    opened = {first.seq: Open("update", first.call)}
    ack = Ack(cursor=second.seq, delivered=[first.seq], opened=opened, waiting={second.seq: "HTTP 503"})
    outbox.ack("platform", ack)
    costs = [LateFacts(at=1, source="generation", call_id=call.call_id, cost=Decimal("1.25")) for call in calls]
    outbox.apply(SEGMENT, outbox.committed_offset(SEGMENT) + 2, costs)
    assert (standing(outbox).delivered, standing(outbox).waiting) == (0, 2)
    clocks.passed += 31 * DAY
    tend(outbox)
    one = standing(outbox)
    assert (one.delivered, one.waiting, one.shed, one.shed_usd) == (1, 0, 1, Decimal("1.25"))
    assert one.reasons == {
        f"{NOT_SENT_AGAIN}: {retention.WAITED_TOO_LONG}": 1,
        retention.WAITED_TOO_LONG: 1,
    }


def test_dead_records_are_kept_for_the_retention_too(outbox, clocks):
    put(outbox, 3)
    waiting = outbox.take("platform", 3)
    outbox.ack("platform", Ack(cursor=waiting[-1].seq, dead={each.seq: "HTTP 400" for each in waiting}))
    clocks.passed += 6 * DAY
    tend(outbox)
    assert rows(outbox)["exception"] == 3
    clocks.passed += 2 * DAY
    tend(outbox)
    assert (rows(outbox)["exception"], standing(outbox).dead) == (0, 3)


def test_a_call_that_no_destination_was_named_for_is_kept_for_the_retention(outbox, clocks):
    put(outbox, 3, destinations=())
    clocks.passed += 6 * DAY
    tend(outbox)
    assert rows(outbox)["record"] == 3
    clocks.passed += 2 * DAY
    tend(outbox)
    assert rows(outbox)["record"] == 0


def test_what_is_said_late_of_a_call_that_never_comes_is_forgotten(outbox, clocks):
    outbox.apply(SEGMENT, 1, [LateFacts(at=time.time_ns(), source="generation", call_id="c" * 32)])
    clocks.passed += 6 * DAY
    tend(outbox)
    assert rows(outbox)["late"] == 1
    clocks.passed += 2 * DAY
    tend(outbox)
    assert rows(outbox)["late"] == 0


def test_words_whose_call_never_comes_are_not_kept_for_ever(outbox, monkeypatch):
    monkeypatch.setattr(retention, "_NEWEST_CONTENTS", 5)
    outbox.apply(SEGMENT, 1, [Content(call_id="c" * 32, input_messages="words")])
    tend(outbox)
    assert rows(outbox)["content"] == 1
    put(outbox, 6)
    tend(outbox)
    assert rows(outbox)["content"] == 6


def test_a_clock_that_is_set_back_makes_nothing_older(outbox, clocks):
    put(outbox, 3)
    deliver(outbox)
    clocks.set_by = -30 * DAY
    tend(outbox)
    assert rows(outbox)["record"] == 3


def test_a_record_that_was_given_up_while_it_is_on_its_way_is_counted_once(outbox, clocks):
    put(outbox, 3)
    on_their_way = outbox.take("platform", 3)
    clocks.passed += 31 * DAY
    tend(outbox)
    outbox.ack("platform", Ack(cursor=on_their_way[-1].seq, delivered=[each.seq for each in on_their_way]))
    assert (standing(outbox).shed, standing(outbox).delivered) == (3, 0)
