"""Where the application has no tracer provider, a span is its ids, as the SDK would make them, and nothing more."""

import pytest
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ALWAYS_ON, DEFAULT_ON, ParentBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    TraceFlags,
    get_current_span,
    set_span_in_context,
)

from spancast.trace.identity import IdentityTracer


def test_a_span_without_a_parent_begins_a_trace() -> None:
    tracer = IdentityTracer(DEFAULT_ON)
    one, other = (tracer.start_span("call").get_span_context() for _ in range(2))
    assert one.is_valid
    assert one.trace_flags.sampled
    assert one.trace_id != other.trace_id


@pytest.mark.parametrize("sampled", [True, False])
def test_a_span_under_a_remote_parent_is_of_its_trace_and_sampled_as_it_is(sampled: bool) -> None:
    flags = TraceFlags(TraceFlags.SAMPLED if sampled else TraceFlags.DEFAULT)
    above = SpanContext(trace_id=7, span_id=8, is_remote=True, trace_flags=flags)
    tracer = IdentityTracer(ParentBased(ALWAYS_ON))
    here = tracer.start_span("call", set_span_in_context(NonRecordingSpan(above))).get_span_context()
    assert here.trace_id == above.trace_id
    assert here.span_id != above.span_id
    assert here.trace_flags.sampled is sampled


def test_the_sampler_is_asked() -> None:
    tracer = IdentityTracer(ALWAYS_OFF)
    assert not tracer.start_span("call").get_span_context().trace_flags.sampled


def test_it_can_be_the_current_span() -> None:
    tracer = IdentityTracer(DEFAULT_ON)
    with tracer.start_as_current_span("call") as span:
        assert get_current_span() is span
    assert get_current_span() is not span
