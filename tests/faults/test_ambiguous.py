"""Rows 22 and 23: the platform may have the spans, and nobody said so."""

import os
import signal
import time
from dataclasses import dataclass, replace

import pytest

from spancast.contract import Retry, Traits, judge_status
from spancast.delivery.courier import doubt
from spancast.delivery.http import wire
from spancast.delivery.outbox.ack import AMBIGUOUS, ON_ITS_WAY, Ack, Hold
from tests.support.faults import modes
from tests.support.faults.asking import COUNTS_TWICE, Asked, Asking
from tests.support.faults.collector import span_ids
from tests.support.faults.desk import PATIENCE, die_when_answered, once, until_settled
from tests.support.faults.json_exporter import JsonExporter
from tests.support.plain import Plain
from tests.support.waiting import eventually

LOST = {"reset": modes.reset_after, "closed": modes.lost_answer, "late": modes.late(1.0)}


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.4)
    monkeypatch.setattr(doubt, "RETRY_SECONDS", 0.01)


@pytest.mark.parametrize("how", LOST)
def test_where_spans_upsert_they_are_sent_again(desk, impatient, how):
    desk.put(5)
    collector = desk.collector(LOST[how])
    courier = desk.courier(Plain(url=collector.url))
    time.sleep(once(courier).wait)
    collector.mode = modes.healthy
    until_settled(courier)
    assert dict(collector.accepted) == dict.fromkeys(desk.emitted, 2)
    assert desk.standing().delivered == 5


@pytest.mark.parametrize("how", LOST)
def test_where_they_would_count_twice_and_nobody_can_be_asked_they_are_dead_and_not_sent_again(desk, impatient, how):
    desk.put(5)
    collector = desk.collector(LOST[how])
    courier = desk.courier(Plain(url=collector.url, traits=COUNTS_TWICE))
    time.sleep(once(courier).wait)
    collector.mode = modes.healthy
    until_settled(courier)
    desk.assert_each_once(collector)
    assert (desk.standing().dead, desk.standing().reasons) == (5, {AMBIGUOUS: 5})


@pytest.mark.parametrize("how", LOST)
def test_a_platform_that_can_be_asked_says_that_it_has_them(desk, impatient, how):
    desk.put(5)
    asked = Asked(LOST[how])
    collector = desk.collector(asked)
    courier = desk.courier(Asking(url=collector.url))
    until_settled(courier)
    desk.assert_each_once(collector)
    assert (desk.standing().delivered, asked.questions > 0) == (5, True)


@pytest.mark.parametrize("how", [modes.reset_before, modes.hang], ids=["reset", "hangs"])
def test_a_platform_that_can_be_asked_says_that_it_has_them_not_and_they_are_sent(desk, impatient, how):
    desk.put(5)
    asked = Asked(how)
    collector = desk.collector(asked)
    courier = desk.courier(Asking(url=collector.url))
    time.sleep(once(courier).wait)
    assert desk.standing().reasons == {AMBIGUOUS: 5}
    asked.mode = modes.healthy
    until_settled(courier)
    desk.assert_each_once(collector)
    assert desk.standing().delivered == 5


def test_what_the_platform_cannot_tell_stays_ambiguous_and_is_asked_again_until_it_can(desk, impatient):
    first, second, third = desk.put(3)
    asked = Asked(modes.lost_answer, tell=lambda _, ids: {span_id: "yes" for span_id in ids if span_id == first})
    collector = desk.collector(asked)
    courier = desk.courier(Asking(url=collector.url))
    for _ in range(6):
        time.sleep(once(courier).wait or 0.0)
    assert (desk.standing().delivered, desk.standing().waiting) == (1, 2)
    assert desk.standing().reasons == {AMBIGUOUS: 2}
    asked.tell = Asked._truth
    until_settled(courier)
    desk.assert_each_once(collector)
    assert (desk.standing().delivered, {second, third} <= set(collector.accepted)) == (3, True)


def test_others_go_on_while_some_are_in_doubt(desk, impatient):
    doubtful = desk.put(2)
    asked = Asked(modes.lost_answer, tell=lambda *_: {})
    collector = desk.collector(asked)
    courier = desk.courier(Asking(url=collector.url))
    time.sleep(once(courier).wait)
    asked.mode = modes.healthy
    others = desk.put(20)
    deadline = time.monotonic() + PATIENCE
    while not set(others) <= set(collector.accepted):
        assert time.monotonic() < deadline
        time.sleep(min(once(courier).wait or 0.0, 0.02))
    assert dict(collector.accepted) == dict.fromkeys([*doubtful, *others], 1)
    assert (desk.standing().delivered, desk.standing().reasons) == (20, {AMBIGUOUS: 2})


@pytest.mark.parametrize("mode", [modes.status(503), modes.status(401), modes.refused, modes.hang])
def test_a_platform_that_cannot_be_asked_now_is_asked_later(desk, impatient, monkeypatch, mode):
    monkeypatch.setattr("spancast.delivery.courier.pacing.PARKED_SECONDS", 0.0)
    desk.put(2)
    collector = desk.collector(Asked(modes.lost_answer))
    courier = desk.courier(Asking(url=collector.url))
    time.sleep(once(courier).wait)
    collector.mode = mode
    time.sleep(once(courier).wait or 0.0)
    assert desk.standing().waiting == 2
    collector.mode = Asked(modes.healthy)
    until_settled(courier)
    desk.assert_each_once(collector)


def test_an_exporter_that_cannot_read_the_answer_knows_nothing(desk, impatient):
    class Confused(Asking):
        def found(self, spans, reply):  # noqa: ARG002 - the protocol's
            raise ValueError("what?")

    desk.put(2)
    collector = desk.collector(Asked(modes.lost_answer))
    courier = desk.courier(Confused(url=collector.url))
    for _ in range(3):
        time.sleep(once(courier).wait or 0.0)
    desk.assert_each_once(collector)
    assert desk.standing().reasons == {AMBIGUOUS: 2}


def test_a_platform_is_not_asked_before_it_can_know(desk, impatient):
    desk.put(2)
    asked = Asked(modes.lost_answer)
    collector = desk.collector(asked)
    courier = desk.courier(Asking(url=collector.url, traits=Traits(resend="duplicates", visible_after=0.6)))
    began = time.monotonic()
    once(courier)
    while not asked.questions:
        time.sleep(min(once(courier).wait or 0.0, 0.02))
        assert time.monotonic() - began < 5
    assert time.monotonic() - began >= 0.6


def test_an_answer_that_cannot_be_judged_leaves_doubt(desk, impatient):
    desk.put(2)
    collector = desk.collector(modes.json_answer(200, {"errors": [{"no": "id"}]}))
    courier = desk.courier(JsonExporter(url=collector.url, traits=COUNTS_TWICE))
    once(courier)
    until_settled(courier)
    desk.assert_each_once(collector)
    assert desk.standing().reasons == {AMBIGUOUS: 2}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_death_between_the_answer_and_its_entry_is_settled_by_asking(desk):
    collector = desk.collector(Asked(modes.healthy))
    desk.put(5)
    exporter = Asking(url=collector.url)
    die_when_answered(desk, exporter)
    assert desk.standing().reasons == {ON_ITS_WAY: 5}
    until_settled(desk.courier(exporter))
    desk.assert_each_once(collector)
    assert desk.standing().delivered == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_death_before_anything_was_sent_is_settled_by_asking_too(desk):
    collector = desk.collector(Asked(modes.healthy))
    desk.put(5)
    exporter = Asking(url=collector.url)
    child = os.fork()
    if child == 0:
        courier = desk.courier(exporter)
        courier._channel.post = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
        once(courier)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == signal.SIGKILL
    until_settled(desk.courier(exporter))
    desk.assert_each_once(collector)


def taken_behind_a_gateway(handler, received):
    """Take the spans, while somebody in between says that nothing was heard in time."""
    modes.status(504)(handler, received)
    return True


@dataclass(frozen=True, kw_only=True)
class Doubting(Asking):
    """Knows of an answer that leaves open whether the spans are there."""

    def judge(self, encoded, reply):
        verdict = judge_status(encoded, reply)
        return replace(verdict, doubtful=True) if isinstance(verdict, Retry) else verdict


@dataclass(frozen=True, kw_only=True)
class Unasked(Plain):
    judge = Doubting.judge


@pytest.mark.parametrize("mode", [taken_behind_a_gateway, modes.status(504)], ids=["taken", "not taken"])
def test_an_answer_that_leaves_it_open_is_a_lost_one(desk, impatient, mode):
    desk.put(5)
    collector = desk.collector(asked := Asked(mode))
    courier = desk.courier(Doubting(url=collector.url))
    time.sleep(once(courier).wait)
    assert desk.standing().reasons == {AMBIGUOUS: 5}
    desk.put(3)
    asked.mode = modes.healthy
    until_settled(courier)
    desk.assert_each_once(collector)
    assert (desk.standing().delivered, asked.questions > 0) == (8, True)


def test_where_nobody_can_be_asked_what_was_left_open_is_not_sent_again(desk, impatient):
    desk.put(5)
    collector = desk.collector(taken_behind_a_gateway)
    courier = desk.courier(Unasked(url=collector.url, traits=COUNTS_TWICE))
    time.sleep(once(courier).wait)
    collector.mode = modes.healthy
    until_settled(courier)
    desk.assert_each_once(collector)
    assert desk.standing().reasons == {AMBIGUOUS: 5}


def test_what_was_left_open_is_not_tried_again_behind_others_that_pass(desk, impatient, monkeypatch):
    monkeypatch.setattr("spancast.delivery.http.backoff.BREAKER_FAILURES", 3)
    first, _ = desk.put(2)

    def failing_on_one(handler, received):
        modes.status(500 if first in span_ids(received) else 200)(handler, received)
        return True

    collector = desk.collector(Asked(failing_on_one))
    courier = desk.courier(Doubting(url=collector.url))
    hold = Hold(time.time(), failures=3)  # the third failure in a row is tried again with two spans
    desk.outbox.ack("platform", Ack(state="retrying", reason="HTTP 500", hold=hold))
    until_settled(courier)
    desk.assert_each_once(collector)
    assert desk.standing().delivered == 2


def test_lost_answers_for_a_while_double_nothing(desk, impatient, monkeypatch):
    asked = Asked(modes.healthy)
    collector = desk.collector(asked)
    courier = desk.start(desk.courier(Asking(url=collector.url)))
    for mode in (modes.healthy, modes.reset_after, modes.reset_before, modes.status(503), modes.healthy):
        asked.mode = mode
        for _ in range(10):
            desk.put(5)
            courier.wake()
            time.sleep(0.02)
    eventually(lambda: not desk.standing().waiting, telling=desk.standing)
    desk.assert_each_once(collector)
    assert span_ids(collector.received[0])
