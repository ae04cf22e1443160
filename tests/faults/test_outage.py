"""Row 13: a platform is away for a while, in whatever way, and nothing is lost by that."""

import socket
import threading
import time
from contextlib import closing

import pytest

from spancast.contract import Traits
from spancast.delivery.http import wire
from spancast.delivery.outbox import cap
from spancast.delivery.outbox.limits import Limits
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.clock import Clocks
from tests.support.faults.desk import PATIENCE, Desk, once, until_settled
from tests.support.plain import Plain
from tests.support.waiting import eventually

HOUR, DAY = 3600.0, 86_400.0
AWAY = {
    "refused": modes.refused,
    "503": modes.status(503),
    "500": modes.status(500),
    "hangs": modes.hang,
    "resets": modes.reset_before,
    "never reads": modes.never_reading,
}


def outage(desk: Desk, collector, mode, rate: float, seconds: float) -> float:
    """Record calls at a steady rate, through an outage of so many seconds; return the seconds it took to catch up."""
    courier = desk.start(desk.courier(Otlp(endpoint=collector.url)))

    def record(duration: float) -> None:
        until = time.monotonic() + duration
        while time.monotonic() < until:
            desk.put(max(1, int(rate / 20)))
            courier.wake()
            time.sleep(0.05)

    record(seconds / 10)
    collector.mode = mode
    record(seconds)
    collector.mode = modes.healthy
    back = time.monotonic()
    record(seconds / 10)
    eventually(lambda: desk.standing().waiting == 0, 60)
    return time.monotonic() - back


@pytest.mark.parametrize("how", AWAY)
def test_nothing_is_lost_and_the_order_is_kept(desk, impatient, monkeypatch, how):
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.3)
    collector = desk.collector()
    outage(desk, collector, AWAY[how], rate=200, seconds=0.6)
    desk.assert_each_once(collector)
    assert list(collector.accepted) == desk.emitted
    assert (desk.standing().delivered, desk.standing().state) == (len(desk.emitted), "ready")


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("how", ["refused", "503", "hangs"])
def test_a_minute_at_500_a_second_is_caught_up_with_in_half_a_minute(desk, how):
    collector = desk.collector()
    caught_up = outage(desk, collector, AWAY[how], rate=500, seconds=60.0)
    desk.assert_each_once(collector)
    assert caught_up <= 30 + 6  # the last six seconds of it calls were still recorded


def test_a_name_that_is_not_known_for_a_while_loses_nothing(desk, impatient, monkeypatch):
    known, look_up = [], socket.getaddrinfo

    def resolve(host, *arguments, **options):
        if host == "platform.test" and not known:
            raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")
        return look_up("127.0.0.1" if host == "platform.test" else host, *arguments, **options)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    collector = desk.collector()
    desk.put(5)
    courier = desk.courier(Otlp(endpoint=f"http://platform.test:{collector.port}"))
    once(courier)
    (reason,) = desk.standing().reasons
    assert "Temporary failure in name resolution" in reason
    known.append(True)
    until_settled(courier)
    desk.assert_each_once(collector)


def test_a_name_server_that_hangs_takes_no_longer_than_an_attempt(desk, monkeypatch):
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.3)
    ended = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: ended.wait(PATIENCE) and [])
    desk.put()
    began = time.monotonic()
    once(desk.courier(Otlp(endpoint="http://platform.test")))
    took = time.monotonic() - began
    ended.set()
    assert (took < 1.0, desk.standing().waiting) == (True, 1)


def test_an_address_that_is_dead_does_not_take_the_time_of_the_next(desk, monkeypatch):
    collector = desk.collector()
    dead = ("127.0.0.2", collector.port)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in (dead, ("127.0.0.1", collector.port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    desk.put()
    once(desk.courier(Otlp(endpoint=f"http://platform.test:{collector.port}")))
    desk.assert_each_once(collector)


def test_while_a_platform_is_away_one_span_is_enough_to_know(desk, impatient):
    collector = desk.collector(modes.status(503))
    desk.put(100)
    courier = desk.courier(Otlp(endpoint=collector.url))
    for _ in range(4):
        time.sleep(once(courier).wait)
    assert [len(received.spans()) for received in collector.received] == [100, 100, 100, 1]
    collector.mode = modes.healthy
    until_settled(courier)
    assert [len(received.spans()) for received in collector.received[4:]] == [1, 8, 64, 27]
    desk.assert_each_once(collector)


def test_an_outage_makes_no_more_than_one_span_doubtful_at_a_time(desk, impatient, monkeypatch):
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.1)
    collector = desk.collector(modes.hang)
    desk.put(50)
    courier = desk.courier(Plain(url=collector.url, traits=Traits(resend="duplicates", max_spans=10)))
    for _ in range(4):
        time.sleep(once(courier).wait)
    assert desk.standing().dead == 10 + 1 + 1 + 1


def test_a_day_without_the_platform_costs_words_before_any_record(tmp_path, monkeypatch):
    clocks = Clocks(monkeypatch)
    with closing(Desk(tmp_path / "day", Limits(size=3_000_000, age=30 * DAY, retention=7 * DAY))) as desk:
        collector = desk.collector(modes.status(503))
        courier = desk.courier(Otlp(endpoint=collector.url))
        for _ in range(24):
            desk.put(40, content="w" * 10_000)
            once(courier)
            clocks.passed += HOUR
        standing = desk.standing()
        assert (standing.waiting, standing.shed, standing.shed_usd) == (24 * 40, 0, 0)
        assert 0 < standing.reasons[cap.CONTENT_SHED] < 24 * 40
        assert len(collector.received) <= 24 * 2
        collector.mode = modes.healthy
        until_settled(courier)
        desk.assert_each_once(collector)
