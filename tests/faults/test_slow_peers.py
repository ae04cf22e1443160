"""Rows 15 and 21: a platform that is slow in whatever way costs one attempt's time, and nobody else's."""

import statistics
import time
from dataclasses import replace

import pytest

from spancast.contract import Encoded, Traits
from spancast.delivery.http import deadline, wire
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.desk import once
from tests.support.faults.json_exporter import JsonExporter
from tests.support.waiting import eventually

SLOW = {
    "headers": modes.trickling_headers,
    "body": modes.trickling_body,
    "hang": modes.hang,
    "upload": modes.slow_upload,
    "never reads": modes.never_reading,
}


class Bulky(JsonExporter):
    """Its requests are more than the buffers of a loopback connection take in at once."""

    def encode(self, spans, at):
        (encoded,) = super().encode(spans, at)
        body = encoded.request.body[:-1] + b', "bulk": "' + b"x" * 32_000_000 + b'"}'
        return [Encoded(replace(encoded.request, body=body), encoded.span_ids)]


UNLIMITED = 10**9


@pytest.fixture(autouse=True)
def _ready():
    """Have the engine loaded: what that takes on a busy machine is no time of the platform's."""
    deadline.DeadlineBackend()
    wire._ssl_context()


@pytest.mark.parametrize("how", SLOW)
@pytest.mark.parametrize("patience", [0.5, pytest.param(10.0, marks=pytest.mark.slow)])
def test_an_attempt_ends_at_its_deadline(desk, monkeypatch, how, patience):
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", patience)
    collector = desk.collector(SLOW[how])
    desk.put(5)
    speaks = Bulky if how in ("upload", "never reads") else JsonExporter
    once(desk.courier(speaks(url=collector.url, traits=Traits(max_bytes=UNLIMITED, resend="upsert"))))
    assert time.monotonic() - collector.connections[0] < patience + 0.5
    assert (desk.standing().waiting, desk.standing().state) == (5, "retrying")
    assert dict(collector.accepted) == {}


def test_an_upload_that_was_cut_off_is_sent_again_even_where_it_would_count_twice(desk, impatient, monkeypatch):
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 0.3)
    collector = desk.collector(modes.slow_upload)
    desk.put()
    courier = desk.courier(Bulky(url=collector.url, traits=Traits(max_bytes=UNLIMITED, resend="duplicates")))
    time.sleep(once(courier).wait)
    assert (desk.standing().waiting, desk.standing().dead) == (1, 0)
    monkeypatch.setattr(wire, "TIMEOUT_SECONDS", 20.0)
    collector.mode = modes.json_answer(200, {})
    once(courier)
    desk.assert_each_once(collector)


NAMES = [f"platform-{number}" for number in range(6)]
WELL = NAMES[1:]


AT_MOST = 0.05
"""Seconds that a platform which is down may add to the way to any other, at the 99th percentile."""
TRIES = 4
"""The machine may be busy with something else."""


def latency(desk, platforms, threads) -> float:
    """Send calls to six platforms; return the 99th percentile of the seconds that each took to the five."""
    found = []
    for _ in range(40):
        (span,) = desk.put(destinations=tuple(NAMES))
        began = time.monotonic()
        for thread in threads:
            thread.wake()
        for name in WELL:
            eventually(lambda name=name, span=span: span in platforms[name].accepted)
            found.append(platforms[name].received[-1].at - began)
    return statistics.quantiles(found, n=100)[-1]


@pytest.mark.parametrize("how", ["hang", "headers", "refused", "503"])
def test_one_of_six_platforms_that_is_down_delays_no_other_and_has_nothing_sent_twice(desk, tmp_path, how):
    down = {**SLOW, "refused": modes.refused, "503": modes.status(503)}[how]
    platforms = {name: desk.collector() for name in NAMES}
    threads = [desk.start(desk.courier(Otlp(endpoint=platforms[name].url), name=name)) for name in NAMES]
    ill, added = platforms[NAMES[0]], []
    while not added or (min(added) > AT_MOST and len(added) < TRIES):
        ill.mode = modes.healthy
        eventually(lambda: not desk.standing(NAMES[0]).waiting, 60)
        well = latency(desk, platforms, threads)
        eventually(lambda: not desk.standing(NAMES[0]).waiting, 60)
        ill.mode = down
        before = len(desk.emitted)
        added.append(latency(desk, platforms, threads) - well)
        assert desk.standing(NAMES[0]).waiting == len(desk.emitted) - before
    assert min(added) <= AT_MOST
    for name in WELL:
        assert dict(platforms[name].accepted) == dict.fromkeys(desk.emitted, 1)
