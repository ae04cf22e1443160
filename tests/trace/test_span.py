"""The span of a call: the live one and the record of it are the same."""

from typing import Any

import pytest
from hypothesis import example, given
from msgspec.structs import replace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanLimits, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision, Sampler, SamplingResult
from opentelemetry.trace import (
    INVALID_SPAN,
    INVALID_SPAN_CONTEXT,
    SpanKind,
    StatusCode,
    format_span_id,
    format_trace_id,
    get_current_span,
)

from spancast import contract
from spancast.delivery.otlp import OtlpEncoder
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.semconv import names
from spancast.spans.attributes import content_attributes, request_attributes, response_attributes
from spancast.spans.export import export_call
from spancast.spans.scope import SCOPE
from spancast.trace import span
from tests.support.calls import a_call
from tests.trace.any_call import calls, everything

FULL: Call = everything(Call)


def traced(call: Call, provider: TracerProvider | None = None) -> tuple[Call, ReadableSpan, contract.Span]:
    """Return the call with its place in the trace, its live span, and the record of it."""
    kept = InMemorySpanExporter()
    provider = provider or TracerProvider(shutdown_on_exit=False, resource=Resource({"service.name": "shop"}))
    provider.add_span_processor(SimpleSpanProcessor(kept))
    tracer = provider.get_tracer(SCOPE, "1.2.3")
    with tracer.start_as_current_span("request") as outer:
        live, inside = span.begin(tracer, call, Context(), INVALID_SPAN_CONTEXT)
        assert get_current_span() is outer
        assert get_current_span(inside) is live
    place = live.get_span_context()
    call = replace(
        call,
        trace_id=format_trace_id(place.trace_id),
        span_id=format_span_id(place.span_id),
        parent_span_id=None,
        resource={"service.name": "shop"},
    )
    span.end(live, call)
    (found,) = [each for each in kept.get_finished_spans() if each.name != "request"]
    return call, found, export_call(call, OtlpEncoder(), "1.2.3")


@given(calls())
@example(FULL)
def test_the_live_span_and_the_record_are_the_same(call: Call) -> None:
    call, live, recorded = traced(call)
    assert dict(live.attributes or {}) == dict(recorded.attributes)
    assert live.name == recorded.name
    assert (live.kind, recorded.kind) == (SpanKind.CLIENT, "client")
    assert (live.start_time, live.end_time) == (recorded.start, recorded.end)
    assert (live.status.status_code.name.lower(), live.status.description) == (recorded.status, recorded.status_message)
    place = live.get_span_context()
    assert place is not None
    assert (format_trace_id(place.trace_id), format_span_id(place.span_id)) == (recorded.trace_id, recorded.span_id)
    assert live.parent is recorded.parent_span_id is None
    scope = live.instrumentation_scope
    assert scope is not None
    assert (scope.name, scope.version) == recorded.scope
    assert recorded.generation is call


def test_a_call_lasts_from_its_start_for_as_long_as_it_took() -> None:
    _, live, _ = traced(a_call(started_at=1_700_000_000_000_000_000, duration=2_500_000_000))
    assert (live.start_time, live.end_time) == (1_700_000_000_000_000_000, 1_700_000_002_500_000_000)


def test_a_call_that_failed_is_an_error_in_openrouters_own_words() -> None:
    _, live, recorded = traced(a_call(outcome="error", error_type="402", error_message="Insufficient credits"))
    assert (live.status.status_code, live.status.description) == (StatusCode.ERROR, "Insufficient credits")
    assert (recorded.status, recorded.status_message) == ("error", "Insufficient credits")


def test_an_error_without_words_is_named_by_its_type() -> None:
    _, live, recorded = traced(a_call(outcome="error", error_type="httpx.ReadTimeout"))
    assert live.status.description == recorded.status_message == "httpx.ReadTimeout"


def test_the_status_of_a_call_that_did_not_fail_is_left_to_the_application() -> None:
    for outcome in ("completed", "closed", "cancelled", "abandoned"):
        _, live, recorded = traced(a_call(outcome=outcome))
        assert (live.status.status_code, recorded.status) == (StatusCode.UNSET, "unset")


class Curious(Sampler):
    """Remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []

    def should_sample(self, *asked: Any) -> SamplingResult:
        _context, _trace_id, _name, _kind, attributes, *_ = asked
        self.asked.append(dict(attributes or {}))
        return SamplingResult(Decision.RECORD_AND_SAMPLE)

    def get_description(self) -> str:
        return "curious"


def test_a_sampler_sees_what_is_known_before_the_answer() -> None:
    curious = Curious()
    traced(a_call(user="u_1", session="s_1", server_address="openrouter.ai"), TracerProvider(curious))
    (asked,) = (each for each in curious.asked if each)
    assert asked[names.REQUEST_MODEL] == "openai/gpt-5"
    assert (asked[names.USER], asked[names.SESSION], asked[names.SERVER_ADDRESS]) == ("u_1", "s_1", "openrouter.ai")
    assert names.COST not in asked


def test_a_span_that_is_not_sampled_is_told_nothing() -> None:
    provider = TracerProvider(ALWAYS_OFF, shutdown_on_exit=False)
    live, inside = span.begin(provider.get_tracer("t"), a_call(), Context(), INVALID_SPAN_CONTEXT)
    span.end(live, FULL)
    assert not live.is_recording()
    assert get_current_span(inside) is live
    assert live is not INVALID_SPAN


def test_a_record_without_a_trace_stands_by_its_call_id() -> None:
    recorded = export_call(Call(call_id="ab" * 16, operation="chat", started_at=5), OtlpEncoder(), "1")
    assert (recorded.trace_id, recorded.span_id, recorded.parent_span_id) == ("ab" * 16, "ab" * 8, None)
    assert (recorded.start, recorded.end) == (5, 5)


WORDS = Content(
    call_id="c",
    input_messages='[{"role":"user","parts":[]}]',
    output_messages="[]",
    system_instructions="[]",
    tool_definitions="[]",
    error="[]",
)
TAGGED: Call = replace(FULL, metadata={}, tags={f"tag_{number}": "value" for number in range(64)})


def ended(provider: TracerProvider, call: Call, content: Content | None = None) -> ReadableSpan:
    kept = InMemorySpanExporter()
    provider.add_span_processor(SimpleSpanProcessor(kept))
    live, _ = span.begin(provider.get_tracer("t"), call, Context(), INVALID_SPAN_CONTEXT)
    span.end(live, call, content)
    (found,) = kept.get_finished_spans()
    return found


def test_a_span_has_room_for_every_fact_the_words_and_what_the_applications_processors_add(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Busy(SpanProcessor):
        def on_start(self, span: Span, parent_context: Context | None = None) -> None:  # noqa: ARG002 - the SDK's
            span.set_attributes({f"baggage.{number}": "x" for number in range(8)})

    provider = TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(Busy())
    found = ended(provider, TAGGED, WORDS)
    assert caplog.records == []
    assert found.dropped_attributes == 0
    facts = set(
        request_attributes(FULL) | response_attributes(replace(FULL, metadata={}, tags={})) | content_attributes(WORDS)
    )
    assert facts <= set(found.attributes or {})
    assert "baggage.7" in (found.attributes or {})


@pytest.mark.parametrize("most", [8, 20, 64, 100])
def test_where_the_application_allows_fewer_attributes_the_last_are_left_out_without_a_word(
    most: int, caplog: pytest.LogCaptureFixture
) -> None:
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_span_attributes=most))
    found = ended(provider, TAGGED, WORDS)
    assert caplog.records == []
    assert found.dropped_attributes == 0
    assert len(found.attributes or {}) == most
    assert set(request_attributes(TAGGED)) <= set(found.attributes or {})


@pytest.mark.parametrize("limits", [SpanLimits(max_attributes=None, max_span_attributes=None), SpanLimits()])
def test_where_the_application_allows_more_the_record_is_still_the_same(limits: SpanLimits) -> None:
    _, live, recorded = traced(TAGGED, TracerProvider(shutdown_on_exit=False, span_limits=limits))
    assert dict(live.attributes or {}) == dict(recorded.attributes)


def test_values_are_no_longer_than_the_application_allows(caplog: pytest.LogCaptureFixture) -> None:
    provider = TracerProvider(shutdown_on_exit=False, span_limits=SpanLimits(max_span_attribute_length=10))
    found = ended(provider, a_call(call_id="c" * 8, request_model="m" * 10), WORDS)
    assert caplog.records == []
    assert (found.attributes or {})[names.INPUT_MESSAGES] == '[{"role":"'
