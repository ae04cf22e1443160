"""Rows 15 and 21: a platform that is slow in whatever way costs one attempt's time, and nobody else's."""

import statistics
import time
from dataclasses import replace

import pytest

from spancast.contract import Encoded, Traits
from spancast.delivery import wire
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.desk import eventually, once
from tests.support.faults.json_exporter import JsonExporter

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


@pytest.mark.parametrize("how", SLOW)
@pytest.mark.parametrize("patience", [0.5, pytest.param(10.0, marks=pytest.mark.slow)])
def test_an_attempt_ends_at_its_deadline(desk, monkeypatch, how, patience):
    monkeypatch.setattr(wire, "PATIENCE", patience)
    collector = desk.collector(SLOW[how])
    desk.put(5)
    speaks = Bulky if how in ("upload", "never reads") else JsonExporter
    once(desk.courier(speaks(url=collector.url, traits=Traits(max_bytes=UNLIMITED, resend="upsert"))))
    assert time.monotonic() - collector.connections[0] < patience + 0.5
    assert (desk.standing().waiting, desk.standing().state) == (5, "retrying")
    assert dict(collector.accepted) == {}


def test_an_upload_that_was_cut_off_is_sent_again_even_where_it_would_count_twice(desk, impatient, monkeypatch):
    monkeypatch.setattr(wire, "PATIENCE", 0.3)
    collector = desk.collector(modes.slow_upload)
    desk.put()
    courier = desk.courier(Bulky(url=collector.url, traits=Traits(max_bytes=UNLIMITED, resend="duplicates")))
    time.sleep(once(courier).wait)
    assert (desk.standing().waiting, desk.standing().dead) == (1, 0)
    monkeypatch.setattr(wire, "PATIENCE", 20.0)
    collector.mode = modes.json_answer(200, {})
    once(courier)
    desk.assert_each_once(collector)


NAMES = [f"platform-{number}" for number in range(6)]


def latencies(desk, one_down) -> list[float]:
    """Send calls to six platforms; return how many seconds each took to each of the five that are well."""
    platforms = {name: desk.collector() for name in NAMES}
    if one_down is not None:
        platforms[NAMES[0]].mode = one_down
    threads = [desk.start(desk.courier(Otlp(endpoint=platforms[name].url), name=name)) for name in NAMES]
    well = NAMES[1:]
    found = []
    for _ in range(40):
        (span,) = desk.put(destinations=tuple(NAMES))
        began = time.monotonic()
        for thread in threads:
            thread.wake()
        for name in well:
            eventually(lambda name=name, span=span: span in platforms[name].accepted)
            found.append(platforms[name].received[-1].at - began)
    for name in well:
        assert dict(platforms[name].accepted) == dict.fromkeys(desk.emitted, 1)
    return found


@pytest.mark.parametrize("how", ["hang", "headers", "refused", "503"])
def test_one_of_six_platforms_that_is_down_delays_no_other_and_has_nothing_sent_twice(desk, tmp_path, how):
    down = {**SLOW, "refused": modes.refused, "503": modes.status(503)}[how]
    assert statistics.quantiles(latencies(desk, down), n=100)[-1] < 0.5
    assert desk.standing(NAMES[0]).waiting == len(desk.emitted)
