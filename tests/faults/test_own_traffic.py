"""Row 42: what we send ourselves is not seen by us, nor by other instrumentations."""

import httpx2
import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

import spancast
from spancast.testing import Simulator
from tests.support.faults.collector import FaultCollector


@pytest.fixture
def openrouter():
    with Simulator(seed=1) as simulator:
        yield simulator


def test_a_destination_that_is_taken_for_openrouter_makes_no_calls_and_no_spans(openrouter, tmp_path):
    seen = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(seen))
    with FaultCollector().open() as platform:
        hosts = [openrouter.address, f"127.0.0.1:{platform.port}"]
        destination = spancast.Destination("otlp", endpoint=platform.url)
        spancast.start([destination], home=tmp_path, hosts=hosts, tracer_provider=provider)
        try:
            for _ in range(3):
                httpx2.post(
                    f"{openrouter.base_url}/chat/completions",
                    json={"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]},
                    headers={"authorization": "Bearer sk-or-v1-simulator"},
                )
                assert spancast.flush(20.0)
        finally:
            spancast.stop(0.0)
    assert len(platform.received) >= 3
    assert sum(platform.accepted.values()) == 3
    assert len(seen.get_finished_spans()) == 3
    assert not [received for received in platform.received if "traceparent" in received.headers]
