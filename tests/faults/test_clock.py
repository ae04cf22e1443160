"""Row 31: somebody sets the clock."""

import time

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spancast
from spancast.contract import Traits
from spancast.delivery.http import backoff
from spancast_exporters.otlp import Otlp
from tests.support.answers import PROMPT, plain
from tests.support.calls import a_call
from tests.support.faults import modes
from tests.support.faults.clock import Clocks
from tests.support.faults.desk import once, until_settled
from tests.support.plain import Plain

DAY = 86_400.0
STEPS = pytest.mark.parametrize("step", [DAY, -DAY, 30.0, -30.0, 3600.0, -1800.0])


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


@STEPS
def test_a_wait_lasts_as_long_as_was_asked_for(desk, clocks, step):
    collector = desk.collector(modes.retry_after("10"))
    desk.put(3)
    courier = desk.courier(Otlp(endpoint=collector.url))
    once(courier)
    collector.mode = modes.healthy
    clocks.set_by = step
    clocks.passed += 9.0
    once(courier)
    assert len(collector.received) == 1
    clocks.passed += 1.0 + backoff.BASE_SECONDS
    until_settled(courier)
    desk.assert_each_once(collector)


@pytest.mark.parametrize("step", [-DAY, -1800.0, DAY])
def test_another_process_never_waits_longer_than_was_asked_for(desk, clocks, step):
    collector = desk.collector(modes.retry_after("10"))
    desk.put(3)
    once(desk.courier(Otlp(endpoint=collector.url)))
    collector.mode = modes.healthy
    clocks.set_by = step
    clocks.passed += 10.0 + backoff.BASE_SECONDS
    until_settled(desk.courier(Otlp(endpoint=collector.url)))
    desk.assert_each_once(collector)


@STEPS
def test_nothing_becomes_too_old_by_it(desk, clocks, step):
    collector = desk.collector()
    courier = desk.courier(Plain(url=collector.url, traits=Traits(max_age=23 * 3600.0, resend="upsert")))
    desk.put(3)
    clocks.set_by = step
    desk.put(3)
    until_settled(courier)
    assert (desk.standing().expired, desk.standing().delivered) == (0, 6)
    desk.assert_each_once(collector)


def test_what_is_too_old_by_every_clock_expires(desk, clocks):
    collector = desk.collector()
    courier = desk.courier(Plain(url=collector.url, traits=Traits(max_age=3600.0, resend="upsert")))
    desk.put(3)
    clocks.passed += 3601.0
    until_settled(courier)
    assert (desk.standing().expired, collector.received) == (3, [])


@STEPS
@pytest.mark.parametrize("tried", [True, False])
def test_what_waits_for_its_words_goes_in_the_end(desk, clocks, step, tried):
    collector = desk.collector()
    courier = desk.courier(Otlp(endpoint=collector.url))
    spoken = a_call(content=True)
    desk.outbox.apply("writer-000001.seg", 1, [spoken])
    if tried:
        once(courier)
    clocks.set_by = step
    for _ in range(2):
        clocks.passed += 11.0
        once(courier)
    assert dict(collector.accepted) == {spoken.span_id: 1}


@STEPS
def test_an_age_is_never_negative(desk, clocks, step):
    desk.put(1)
    clocks.set_by = step
    assert desk.standing().lag_s >= 0.0


@STEPS
def test_a_call_lasts_as_long_as_it_did_while_the_clock_is_set(clocks, tmp_path, step):
    import httpx2  # noqa: PLC0415 - hooked here

    def answered(_request):
        clocks.set_by = step
        return httpx2.Response(200, headers={"content-type": "application/json"}, content=plain())

    seen, provider, began = InMemorySpanExporter(), TracerProvider(), time.time_ns()
    provider.add_span_processor(SimpleSpanProcessor(seen))
    spancast.start(home=tmp_path, tracer_provider=provider)
    try:
        with httpx2.Client(transport=httpx2.MockTransport(answered)) as client:
            client.post("https://openrouter.ai/api/v1/chat/completions", json=PROMPT, headers={"authorization": "none"})
        assert spancast.flush(20.0)
    finally:
        spancast.stop()
    (span,) = seen.get_finished_spans()
    assert began <= span.start_time <= span.end_time < began + 20 * 10**9


def test_time_passes_while_a_process_sleeps(clocks):
    before = time.monotonic()
    clocks.passed += 5.0
    assert time.monotonic() - before >= 5.0
