"""Row 41: a platform that is down for long, or comes and goes, is not run down by those who wait for it."""

import itertools
import time

import pytest

from spancast.delivery.http import backoff
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.clock import Clocks
from tests.support.faults.desk import once, until_settled

HOUR = 3600.0
SAME_PROBE = 1.0
"""Seconds within which two requests are of one probe, which has two spans now and then."""


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


def served(couriers, clocks, seconds: float) -> None:
    """Let so much time pass for several processes that serve a destination in turn."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        waits = [once(courier).wait for courier in couriers]
        clocks.passed += max(0.001, min(wait for wait in waits if wait is not None))


@pytest.mark.parametrize(("processes", "code"), [(1, 500), (8, 503)])
def test_a_platform_that_is_down_is_asked_once_in_five_seconds_at_most(desk, clocks, processes, code):
    collector = desk.collector(modes.status(code))
    desk.put(100)
    couriers = [desk.courier(Otlp(endpoint=collector.url)) for _ in range(processes)]
    served(couriers, clocks, HOUR / 4)
    assert len(collector.received) / (HOUR / 4) <= 0.2
    times = collector.asked[backoff.BREAKER_FAILURES :]
    apart = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert min(each for each in apart if each > SAME_PROBE) >= backoff.PROBE_SECONDS - SAME_PROBE


def test_its_recovery_is_noticed_within_the_cap(desk, clocks):
    collector = desk.collector(modes.status(503))
    desk.put(2000)
    courier = desk.courier(Otlp(endpoint=collector.url))
    served([courier], clocks, HOUR / 10)
    collector.mode = modes.healthy
    clocks.passed += backoff.CAP_SECONDS + backoff.BASE_SECONDS
    began = time.monotonic()
    until_settled(courier)
    assert time.monotonic() - began < 10
    desk.assert_each_once(collector)


def test_those_who_wait_do_not_return_all_at_once(desk, clocks):
    collector = desk.collector(modes.status(503))
    desk.put(10)
    courier = desk.courier(Otlp(endpoint=collector.url))
    served([courier], clocks, 200.0)
    waits = set()
    for _ in range(20):
        waits.add(round(once(courier).wait, 1))
        clocks.passed += backoff.CAP_SECONDS
    assert len(waits) > 10


def test_a_process_that_begins_while_the_breaker_is_open_keeps_to_it(desk, clocks):
    collector = desk.collector(modes.status(503))
    desk.put(10)
    served([desk.courier(Otlp(endpoint=collector.url))], clocks, 60.0)
    asked = len(collector.received)
    for _ in range(20):
        once(desk.courier(Otlp(endpoint=collector.url)))
    assert len(collector.received) <= asked + 1
    clocks.passed += backoff.PROBE_SECONDS
    once(desk.courier(Otlp(endpoint=collector.url)))
    assert len(collector.received) > asked


def test_a_platform_that_comes_and_goes_gets_everything_once(desk, impatient):
    collector = desk.collector(
        modes.flapping(modes.healthy, modes.status(503), modes.healthy, modes.reset_before, modes.status(429))
    )
    courier = desk.courier(Otlp(endpoint=collector.url))
    for _ in range(10):
        desk.put(10)
        time.sleep(once(courier).wait or 0.0)
    until_settled(courier)
    desk.assert_each_once(collector)
