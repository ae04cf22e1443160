"""Row 16: a platform says when to come back, in either form, or in none."""

import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from spancast.delivery.http import backoff
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.desk import once, until_settled
from tests.support.plain import Plain
from tests.support.waiting import eventually


def at(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        ("30", 30, 30 + backoff.BASE_SECONDS),
        (lambda: at(1800), 1790, 1800 + backoff.BASE_SECONDS),
        (lambda: at(-60), 0, backoff.BASE_SECONDS),
        (None, 0, backoff.BASE_SECONDS),
        ("soon", 0, backoff.BASE_SECONDS),
        ("", 0, backoff.BASE_SECONDS),
        ("-5", 0, backoff.BASE_SECONDS),
        ("1e3", 0, backoff.BASE_SECONDS),
        ("Wed, 99 Foo 2015 07:28:00 GMT", 0, backoff.BASE_SECONDS),
        ("1000000000", 3600, 3600 + backoff.BASE_SECONDS),
        (lambda: at(10**8), 3600, 3600 + backoff.BASE_SECONDS),
        ("9" * 400, 3600, 3600 + backoff.BASE_SECONDS),
    ],
)
def test_the_wait_is_what_was_asked_for_and_never_more_than_an_hour(desk, asked, least, most):
    collector = desk.collector(modes.retry_after(asked() if callable(asked) else asked))
    desk.put(3)
    assert least <= once(desk.courier(Otlp(endpoint=collector.url))).wait <= most


@pytest.mark.parametrize("code", [429, 503, 408, 500])
def test_any_status_that_may_pass_may_ask(desk, code):
    collector = desk.collector(modes.retry_after("30", code))
    desk.put()
    assert once(desk.courier(Otlp(endpoint=collector.url))).wait >= 30


def test_an_exporter_need_not_read_the_header_itself(desk):
    class Terse(Plain):
        def judge(self, encoded, reply):
            verdict = super().judge(encoded, reply)
            return type(verdict)(verdict.reason)

    collector = desk.collector(modes.retry_after("30"))
    desk.put()
    assert once(desk.courier(Terse(url=collector.url))).wait >= 30


def test_a_platform_whose_clock_is_wrong_is_understood_by_its_own_clock(desk):
    date = datetime.now(UTC) + timedelta(days=400)
    headers = {"date": format_datetime(date, usegmt=True)}
    headers["retry-after"] = format_datetime(date + timedelta(seconds=120), usegmt=True)
    collector = desk.collector(modes.status(429, headers))
    desk.put()
    assert 120 <= once(desk.courier(Otlp(endpoint=collector.url))).wait <= 120 + backoff.BASE_SECONDS


def test_zero_is_no_licence_to_come_back_at_once_for_ever(desk, monkeypatch):
    monkeypatch.setattr(backoff, "PROBE_SECONDS", 0.2)
    collector = desk.collector(modes.retry_after("0"))
    desk.put()
    desk.start(desk.courier(Otlp(endpoint=collector.url)))
    time.sleep(1.0)
    assert len(collector.received) <= backoff.BREAKER_FAILURES + 1.0 / 0.2


def test_while_it_waits_it_asks_nothing_whatever_is_recorded_and_then_loses_nothing(desk):
    collector = desk.collector(modes.retry_after("1"))
    desk.put()
    courier = desk.start(desk.courier(Otlp(endpoint=collector.url)))
    eventually(lambda: desk.standing().state == "retrying")
    collector.mode = modes.healthy
    while time.monotonic() < collector.received[0].at + 0.9:
        desk.put(5)
        courier.wake()
        time.sleep(0.05)
    assert len(collector.received) == 1
    eventually(lambda: desk.standing().waiting == 0)
    desk.assert_each_once(collector)


def test_other_processes_wait_too(desk):
    collector = desk.collector(modes.retry_after("30"))
    desk.put()
    once(desk.courier(Otlp(endpoint=collector.url)))
    assert once(desk.courier(Otlp(endpoint=collector.url))).wait > 28
    assert len(collector.received) == 1


def test_what_waited_is_sent_when_the_time_is_over(desk):
    collector = desk.collector(modes.flapping(modes.retry_after("1"), modes.healthy, each=1))
    desk.put(3)
    courier = desk.courier(Plain(url=collector.url))
    began = time.monotonic()
    collector.mode = modes.retry_after("1")
    once(courier)
    collector.mode = modes.healthy
    until_settled(courier)
    assert time.monotonic() - began >= 1.0
    desk.assert_each_once(collector)
