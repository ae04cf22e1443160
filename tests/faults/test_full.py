"""Row 14: an outage that is longer than there is room for."""

from contextlib import closing

import pytest

from spancast.delivery.outbox import cap
from spancast.delivery.outbox.limits import Limits
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.clock import Clocks
from tests.support.faults.desk import Desk, once, until_settled

DAY = 86_400.0
CALLS = 2400
"""In 24 hours."""
WORDS = "w" * 4000


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


def a_day_without_a_platform(desk, courier, clocks) -> None:
    for _ in range(CALLS // 20):
        desk.put(20, content=WORDS)
        once(courier)
        clocks.passed += DAY / (CALLS // 20)


def test_words_are_shed_and_no_call_is_lost_while_calls_have_room(tmp_path, clocks):
    with closing(Desk(tmp_path / "home", Limits(4_000_000, age=30 * DAY, retention=7 * DAY))) as desk:
        collector = desk.collector(modes.status(503))
        courier = desk.courier(Otlp(endpoint=collector.url))
        a_day_without_a_platform(desk, courier, clocks)
        standing = desk.standing()
        without = standing.reasons[cap.CONTENT_SHED]
        assert (standing.waiting, standing.shed, 0 < without < CALLS) == (CALLS, 0, True)
        collector.mode = modes.healthy
        clocks.passed += 30.0
        until_settled(courier)
        desk.assert_each_once(collector)
        assert desk.standing().reasons == {cap.CONTENT_SHED: without, "sent without its words": without}


def test_when_there_is_no_room_for_calls_the_oldest_are_shed_with_their_dollars(tmp_path, clocks):
    with closing(Desk(tmp_path / "home", Limits(1_000_000, age=30 * DAY, retention=7 * DAY))) as desk:
        collector = desk.collector(modes.refused)
        courier = desk.courier(Otlp(endpoint=collector.url))
        a_day_without_a_platform(desk, courier, clocks)
        shed, dollars = desk.standing().shed, desk.standing().shed_usd
        assert 0 < shed < CALLS
        (oldest,) = desk.outbox.take("platform", 1)
        assert dollars == oldest.call.cost * shed
        collector.mode = modes.healthy
        clocks.passed += 30.0
        until_settled(courier)
        assert dict(collector.accepted) == dict.fromkeys(desk.emitted[shed:], 1)
        assert (desk.standing().delivered, desk.standing().shed) == (CALLS - shed, shed)
