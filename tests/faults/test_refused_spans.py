"""Rows 20 and 37: one span that a platform cannot stand, among others."""

import math
import time
from dataclasses import replace

import pytest

from spancast.contract import Traits
from spancast.delivery.outbox import contents
from spancast_exporters.otlp import Otlp
from tests.support.calls import to_span
from tests.support.faults import modes
from tests.support.faults.desk import PATIENCE, once, until_settled
from tests.support.plain import Plain


def holding(span_id):
    return lambda received: span_id in received.span_ids()


@pytest.mark.parametrize("code", [400, 422])
@pytest.mark.parametrize("position", [0, 200, 511])
def test_a_refused_span_is_found_and_its_neighbours_travel(desk, code, position):
    ids = desk.put(512)
    poison = ids.pop(position)
    collector = desk.collector(modes.only(holding(poison), modes.status(code)))
    until_settled(desk.courier(Otlp(endpoint=collector.url)))
    assert dict(collector.accepted) == dict.fromkeys(ids, 1)
    assert desk.standing().reasons == {f"HTTP {code}": 1}
    assert len(collector.received) <= 2 * math.log2(512) + 1


@pytest.mark.parametrize("resend", ["upsert", "duplicates"])
@pytest.mark.parametrize("position", [0, 50, 99])
def test_a_span_that_makes_the_platform_fail_holds_up_no_other(desk, impatient, resend, position):
    ids = desk.put(100)
    poison = ids.pop(position)
    collector = desk.collector(modes.only(holding(poison), modes.status(500)))
    courier = desk.courier(Plain(url=collector.url, traits=Traits(resend=resend)))
    deadline = time.monotonic() + PATIENCE
    while True:
        standing = desk.standing()
        if (standing.waiting, standing.reasons) == (1, {"HTTP 500 to this one alone": 1}):
            break
        assert time.monotonic() < deadline, standing
        if standing.waiting == 1:
            ids += desk.put()
        time.sleep(min(once(courier).wait or 0.0, 0.02))
    assert dict(collector.accepted) == dict.fromkeys(ids, 1)
    assert (desk.standing().waiting, desk.standing().dead) == (1, 0)
    later = desk.put(3)
    assert once(courier).decided == 3
    assert set(later) <= set(collector.accepted)


def test_a_span_whose_words_cannot_be_encoded_goes_without_them(desk):
    desk.put(4, content="hello")
    desk.put(content="poison")
    desk.put(4, content="hello")

    class Choosy(Plain):
        def encode(self, spans, at):
            if "poison" in [span.content.get("gen_ai.input.messages") for span in spans]:
                raise ValueError("poison")
            return super().encode(spans, at)

    collector = desk.collector()
    until_settled(desk.courier(Choosy(url=collector.url)))
    desk.assert_each_once(collector)
    assert desk.standing().reasons == {contents.NOT_ENCODED: 1}


@pytest.mark.parametrize(
    "change",
    [
        {"name": "\ud800"},
        {"status": "error", "status_message": "\udfff"},
        {"attributes": {"a": 2**70}},
        {"attributes": {"a": object()}},
        {"attributes": {"a": float("nan"), "b": "\0", "c" * 10_000: "x"}},
        {"trace_id": "no hex"},
        {"start": -1},
    ],
    ids=["name", "status", "integer", "object", "odd", "trace id", "time"],
)
def test_whatever_is_in_a_span_its_neighbours_are_untouched(desk, change):
    *others, bad = desk.put(9)

    def make(call, words):
        span = to_span(call, words)
        return replace(span, **change) if call.span_id == bad else span

    collector = desk.collector()
    until_settled(desk.courier(Otlp(endpoint=collector.url), make=make))
    assert {span: collector.accepted[span] for span in others} == dict.fromkeys(others, 1)
    assert desk.standing().waiting == 0
