"""The metrics of a call, as a real meter provider reads them: names, units, buckets, values, attributes."""

import logging
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from opentelemetry import metrics as api
from opentelemetry.metrics import NoOpMeterProvider
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader
from opentelemetry.sdk.metrics.export import Metric as Read

from spancast.delivery.gauges import LAG, REASONS, RECORDS
from spancast.records.call import Call, Modalities
from spancast.spans.attributes import OPERATIONS
from spancast.spans.scope import VERSION
from spancast.trace import metrics
from spancast.trace.metrics import Metrics
from tests.support.calls import a_call
from tests.trace.any_call import calls, everything

FULL: Call = everything(Call)

# GenAI semantic conventions (client-inference.md, client-embeddings.md, gen-ai-token-metrics.md), and the counters
# that are ours.
LATEST = {
    "gen_ai.client.inference.duration": ("histogram", "s", metrics.SECONDS),
    "gen_ai.client.inference.time_to_first_chunk": ("histogram", "s", metrics.SECONDS),
    "gen_ai.client.inference.time_per_output_chunk": ("histogram", "s", metrics.SECONDS),
    "gen_ai.client.inference.usage.input_tokens": ("counter", "{token}", None),
    "gen_ai.client.inference.usage.output_tokens": ("counter", "{token}", None),
    "gen_ai.client.inference.usage.cache_read.input_tokens": ("counter", "{token}", None),
    "gen_ai.client.inference.usage.cache_write.input_tokens": ("counter", "{token}", None),
    "gen_ai.client.inference.usage.reasoning.output_tokens": ("counter", "{token}", None),
    "gen_ai.client.inference.operation.input_tokens": ("histogram", "{token}", metrics.TOKENS),
    "gen_ai.client.inference.operation.output_tokens": ("histogram", "{token}", metrics.TOKENS),
    "openrouter.client.cost": ("counter", "{USD}", None),
}
UP_TO_1_44 = {
    "gen_ai.client.operation.duration": ("histogram", "s", metrics.SECONDS),
    "gen_ai.client.operation.time_to_first_chunk": ("histogram", "s", metrics.SECONDS),
    "gen_ai.client.operation.time_per_output_chunk": ("histogram", "s", metrics.SECONDS),
    "gen_ai.client.token.usage": ("histogram", "{token}", metrics.TOKENS),
    "openrouter.client.cost": ("counter", "{USD}", None),
}
STREAMED = a_call(
    duration=3_000_000_000,
    streamed=True,
    time_to_first_token=1_000_000_000,
    output_chunks=5,
    input_tokens=100,
    output_tokens=40,
    cached_tokens=60,
    cache_write_tokens=0,
    reasoning_tokens=10,
    cost=Decimal("0.0025"),
    provider="Azure",
    response_model="openai/gpt-5-2025-08-07",
    server_address="openrouter.ai",
    server_port=443,
    user="u_1",
)
LABELS = {
    "gen_ai.operation.name": "chat",
    "gen_ai.provider.name": "openrouter",
    "gen_ai.request.model": "openai/gpt-5",
    "gen_ai.response.model": "openai/gpt-5-2025-08-07",
    "server.address": "openrouter.ai",
    "server.port": 443,
    "openrouter.provider": "Azure",
}


@dataclass(frozen=True)
class Reading:
    """What a provider has read."""

    by_name: dict[str, Read]
    scopes: set[tuple[str, str | None]]

    def points(self, name: str) -> list[tuple[dict[str, Any], float]]:
        """The attributes and the value, or the sum, of each series."""
        points = self.by_name[name].data.data_points
        return [
            (dict(each.attributes or {}), each.sum if isinstance(each, HistogramDataPoint) else each.value)
            for each in points
        ]

    def total(self, name: str) -> float:
        return sum(value for _, value in self.points(name))

    @property
    def shapes(self) -> dict[str, Any]:
        found = {}
        for name, read in self.by_name.items():
            (first, *_) = read.data.data_points
            is_histogram = isinstance(first, HistogramDataPoint)
            bounds = tuple(first.explicit_bounds) if isinstance(first, HistogramDataPoint) else None
            found[name] = ("histogram" if is_histogram else "counter", read.unit, bounds)
        return found


def read(reader: InMemoryMetricReader) -> Reading:
    data = reader.get_metrics_data()
    scopes = [] if data is None else [scope for each in data.resource_metrics for scope in each.scope_metrics]
    found = {each.name: each for scope in scopes for each in scope.metrics}
    return Reading(found, {(each.scope.name, each.scope.version) for each in scopes})


def recorded(*called: Call, spelling: str = "latest", **more: Any) -> Reading:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    recording = Metrics(provider, spelling, **more)
    for call in called:
        recording.record(call)
    return read(reader)


@pytest.mark.parametrize(("spelling", "shapes"), [("latest", LATEST), ("1.44", UP_TO_1_44)])
def test_names_units_and_buckets_are_those_of_the_conventions(spelling: str, shapes: dict[str, Any]) -> None:
    found = recorded(STREAMED, spelling=spelling)
    assert found.shapes == shapes
    assert found.scopes == {("spancast", VERSION)}


def test_values_are_the_calls_own() -> None:
    found = recorded(STREAMED)
    assert found.total("gen_ai.client.inference.duration") == 3.0
    assert found.total("gen_ai.client.inference.time_to_first_chunk") == 1.0
    assert found.total("gen_ai.client.inference.time_per_output_chunk") == 0.5
    assert found.total("gen_ai.client.inference.usage.input_tokens") == 100
    assert found.total("gen_ai.client.inference.usage.output_tokens") == 40
    assert found.total("gen_ai.client.inference.usage.cache_read.input_tokens") == 60
    assert found.total("gen_ai.client.inference.usage.cache_write.input_tokens") == 0
    assert found.total("gen_ai.client.inference.usage.reasoning.output_tokens") == 10
    assert found.total("gen_ai.client.inference.operation.input_tokens") == 100
    assert found.total("gen_ai.client.inference.operation.output_tokens") == 40
    assert found.total("openrouter.client.cost") == 0.0025


def test_old_names_have_the_same_values() -> None:
    found = recorded(STREAMED, spelling="1.44")
    assert found.total("gen_ai.client.operation.duration") == 3.0
    assert found.total("gen_ai.client.operation.time_to_first_chunk") == 1.0
    assert found.total("gen_ai.client.operation.time_per_output_chunk") == 0.5
    assert found.points("gen_ai.client.token.usage") == [
        ({**LABELS, "gen_ai.token.type": "input"}, 100),
        ({**LABELS, "gen_ai.token.type": "output"}, 40),
    ]


def test_every_series_says_operation_model_provider_and_server() -> None:
    found = recorded(STREAMED)
    for name in LATEST:
        for labels, _ in found.points(name):
            counted = {"gen_ai.token.modality": "unknown"} if ".usage." in name else {}
            assert labels == {**LABELS, **counted}, name


def test_the_user_is_an_attribute_only_where_that_is_asked_for() -> None:
    assert recorded(STREAMED).points("openrouter.client.cost")[0][0].get("user.id") is None
    assert recorded(STREAMED, with_user=True).points("openrouter.client.cost")[0][0]["user.id"] == "u_1"
    assert "user.id" not in recorded(a_call(), with_user=True).points("openrouter.client.cost")[0][0]


def test_tokens_are_counted_by_what_they_stand_for() -> None:
    call = a_call(
        input_tokens=100,
        output_tokens=40,
        cached_tokens=20,
        modalities=Modalities(text_input=60, audio_input=30, text_output=40, audio_cached=5, video_input=7),
    )
    found = recorded(call)

    def parts(name: str) -> dict[str, float]:
        return {
            labels["gen_ai.token.modality"]: value
            for labels, value in found.points(f"gen_ai.client.inference.usage.{name}")
        }

    assert parts("input_tokens") == {"text": 60, "audio": 30, "unknown": 10}
    assert parts("output_tokens") == {"text": 40}
    assert parts("cache_read.input_tokens") == {"audio": 5, "unknown": 15}
    assert parts("reasoning.output_tokens") == {"unknown": 0}
    assert found.points("gen_ai.client.inference.operation.input_tokens")[0][1] == 100


def test_parts_that_are_more_than_the_whole_are_not_believed() -> None:
    found = recorded(a_call(input_tokens=10, modalities=Modalities(text_input=8, image_input=8)))
    ((labels, value),) = found.points("gen_ai.client.inference.usage.input_tokens")
    assert (labels["gen_ai.token.modality"], value) == ("unknown", 10)


FAILED = a_call(outcome="error", error_type="402", cost=None, input_tokens=None, output_tokens=None)


def test_an_operation_that_failed_says_so_and_counts_nothing_as_the_conventions_have_it() -> None:
    found = recorded(FAILED)
    for name in ("duration", "operation.input_tokens", "operation.output_tokens"):
        ((labels, _),) = found.points(f"gen_ai.client.inference.{name}")
        assert labels["error.type"] == "402"
    for name in ("input_tokens", "output_tokens", "cache_read.input_tokens"):
        ((labels, value),) = found.points(f"gen_ai.client.inference.usage.{name}")
        assert (labels["gen_ai.token.modality"], value) == ("unknown", 0)
        assert "error.type" not in labels
    assert found.total("gen_ai.client.inference.operation.input_tokens") == 0


def test_up_to_1_44_a_count_that_is_not_known_is_not_reported() -> None:
    found = recorded(FAILED, spelling="1.44")
    assert "gen_ai.client.token.usage" not in found.by_name
    assert found.points("gen_ai.client.operation.duration")[0][0]["error.type"] == "402"


def test_a_cost_that_is_not_known_is_counted_as_such() -> None:
    found = recorded(FAILED, a_call(cost=Decimal(0)), a_call(cost=Decimal("0.5")))
    assert found.total("openrouter.client.cost") == 0.5
    assert found.total("openrouter.client.unknown_cost") == 1
    assert found.by_name["openrouter.client.unknown_cost"].unit == "{call}"


@pytest.mark.parametrize(
    ("facts", "missing"),
    [
        ({"streamed": False}, {"time_to_first_chunk", "time_per_output_chunk"}),
        ({"time_to_first_token": None}, {"time_to_first_chunk", "time_per_output_chunk"}),
        ({"output_chunks": 1}, {"time_per_output_chunk"}),
        ({"duration": None}, {"duration", "time_per_output_chunk"}),
    ],
)
def test_times_that_are_not_known_are_not_recorded(facts: dict[str, Any], missing: set[str]) -> None:
    names = {name: getattr(STREAMED, name) for name in STREAMED.__struct_fields__}
    found = recorded(a_call(**{**names, **facts}))
    assert set(LATEST) - set(found.by_name) == {f"gen_ai.client.inference.{name}" for name in missing}


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_what_is_no_inference_is_not_reported_as_one(operation: str) -> None:
    found = set(recorded(a_call(operation=operation)).by_name) - {"openrouter.client.cost"}
    if operation == "embeddings":
        assert found == {"gen_ai.client.embeddings.duration", "gen_ai.client.embeddings.operation.input_tokens"}
    elif operation in ("rerank", "batch", "decision", "unknown"):
        assert found == {"gen_ai.client.operation.duration"}
    else:
        assert found
        assert all(name.startswith("gen_ai.client.inference.") for name in found)


def test_embeddings_have_names_and_buckets_of_their_own() -> None:
    shapes = recorded(a_call(operation="embeddings", error_type="500")).shapes
    assert shapes["gen_ai.client.embeddings.duration"] == ("histogram", "s", metrics.SECONDS)
    assert shapes["gen_ai.client.embeddings.operation.input_tokens"] == ("histogram", "{token}", metrics.TOKENS)


@pytest.mark.parametrize("spelling", ["latest", "1.44"])
@settings(max_examples=50, deadline=None)
@given(call=calls())
@example(call=FULL)
def test_any_call_is_recorded_and_counts_add_up(spelling: str, call: Call) -> None:
    found = recorded(call, call, spelling=spelling, with_user=True)
    if call.cost is not None:
        assert found.total("openrouter.client.cost") == pytest.approx(2 * float(call.cost))
    for name, field in metrics.USAGE.items():
        if name in found.by_name:
            assert found.total(name) == 2 * (getattr(call, field) or 0)


@pytest.fixture
def _no_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process whose application has set no meter provider."""
    monkeypatch.setattr(api._internal, "_METER_PROVIDER", None)
    monkeypatch.setattr(api._internal, "_PROXY_METER_PROVIDER", api._internal._ProxyMeterProvider())
    monkeypatch.setattr(api._internal, "_METER_PROVIDER_SET_ONCE", type(api._internal._METER_PROVIDER_SET_ONCE)())


@pytest.mark.usefixtures("_no_provider")
def test_without_a_provider_nothing_is_wanted() -> None:
    assert not Metrics().is_enabled()
    assert not Metrics(NoOpMeterProvider()).is_enabled()
    assert Metrics(MeterProvider(shutdown_on_exit=False)).is_enabled()


@pytest.mark.usefixtures("_no_provider")
def test_a_provider_that_is_set_later_is_recorded_to_from_then_on() -> None:
    recording, reader = Metrics(), InMemoryMetricReader()
    recording.record(STREAMED)  # into nothing
    api.set_meter_provider(MeterProvider([reader], shutdown_on_exit=False))
    assert recording.is_enabled()
    recording.record(STREAMED)
    assert read(reader).total("openrouter.client.cost") == 0.0025


def test_recording_anew_to_the_same_provider_adds_to_the_same_series(caplog: pytest.LogCaptureFixture) -> None:
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    with caplog.at_level(logging.WARNING):
        Metrics(provider).record(STREAMED)
        Metrics(provider).record(STREAMED)
    assert read(reader).total("openrouter.client.cost") == 0.005
    assert caplog.records == []


def test_every_metric_is_in_the_documentation() -> None:
    page = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
    rows = [[cell.strip().strip("`") for cell in line.split("|")[1:4]] for line in page.splitlines() if "| `" in line]
    documented = {name: (kind, unit) for name, kind, unit in rows}
    failed = a_call(operation="rerank", cost=None)
    shapes = recorded(STREAMED, failed, a_call(operation="embeddings")).shapes
    deliveries = {RECORDS: ("gauge", "{record}"), REASONS: ("gauge", "{record}"), LAG: ("gauge", "s")}
    assert documented == {name: shape[:2] for name, shape in shapes.items()} | deliveries
    assert all(f"`{name}`" in page for name in UP_TO_1_44)
