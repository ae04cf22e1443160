"""How the destinations stand, as the application's metrics have it."""

from decimal import Decimal

import httpx2
import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader

import spancast
from spancast.base import guard
from spancast.delivery.gauges import LAG, REASONS, RECORDS, Deliveries
from spancast.delivery.outbox.accounts import Standing
from spancast.testing import Simulator
from tests.support.faults import modes
from tests.support.faults.collector import FaultCollector


@pytest.fixture
def reader():
    return InMemoryMetricReader()


@pytest.fixture
def provider(reader):
    made = MeterProvider([reader])
    yield made
    made.shutdown()


def collected(reader) -> dict[str, dict[tuple[str, ...], float]]:
    """Return the points of each gauge, by the values of their attributes."""
    found = reader.get_metrics_data()
    scopes = [scope for resource in (found.resource_metrics if found else ()) for scope in resource.scope_metrics]
    return {
        metric.name: {tuple(point.attributes.values()): point.value for point in metric.data.data_points}
        for scope in scopes
        for metric in scope.metrics
        if metric.name.startswith("spancast.")
    }


def standing(**counts: int) -> Standing:
    none = dict.fromkeys(("captured", "delivered", "waiting", "dead", "expired", "shed", "skipped"), 0)
    return Standing(
        name="acme",
        exporter="otlp",
        endpoint=None,
        state="ready",
        reason=None,
        shed_usd=Decimal(0),
        lag_s=0.0,
        last_delivered_at=None,
        reasons={},
        **{**none, **counts},
    )


def test_they_say_what_the_destinations_say_and_nothing_after_the_end(reader, provider, tmp_path):
    with Simulator(seed=1) as openrouter, FaultCollector(modes.status(400)).open() as platform:
        destination = spancast.Destination("otlp", name="acme", endpoint=platform.url)
        spancast.start([destination], home=tmp_path, hosts=[openrouter.address], meter_provider=provider)
        try:
            body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
            headers = {"authorization": "Bearer sk-or-v1-simulator"}
            httpx2.post(f"{openrouter.base_url}/chat/completions", json=body, headers=headers)
            spancast.flush(20.0)
            gauges = collected(reader)
        finally:
            spancast.stop(0.0)
    states = dict.fromkeys(("delivered", "waiting", "expired", "shed", "skipped"), 0) | {"dead": 1}
    assert gauges[RECORDS] == {("acme", state): count for state, count in states.items()}
    assert gauges[REASONS] == {("acme", "HTTP 400"): 1}
    assert gauges[LAG] == {("acme",): 0.0}
    assert not {RECORDS, REASONS, LAG} & {*collected(reader)}


def test_who_starts_again_is_read_in_the_place_of_who_has_ended_and_nothing_is_logged(reader, provider, caplog):
    meter = provider.get_meter("test")
    for count in (1, 2):
        ended = Deliveries(lambda count=count: [standing(delivered=count)])
        ended.join(meter)
        assert collected(reader)[RECORDS]["acme", "delivered"] == count
        ended.end()
    assert collected(reader).get(RECORDS, {}) == {}
    assert caplog.records == []


def test_an_outbox_that_cannot_be_read_reaches_nobody(reader, provider, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)

    def broken():
        raise OSError("the disk is gone")

    Deliveries(broken).join(provider.get_meter("test"))
    assert collected(reader) == {}
