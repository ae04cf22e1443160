"""A Call as a span: the live one, in the application's own trace, and the record that is sent later."""

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from spancast import contract
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.resource import ENVIRONMENT, RELEASE, text_of
from spancast.trace import names
from spancast.trace.attributes import (
    Attributes,
    answer_attributes,
    content_attributes,
    request_attributes,
    span_name,
)
from spancast.trace.identity import IdentityTracer

SCOPE = "spancast"


def begin(tracer: Tracer, call: Call, parent: Context, above: SpanContext) -> tuple[Span, Context]:
    """Start the span of a call in `parent`, under `above`; return it, and the context in which it is the current."""
    if isinstance(tracer, IdentityTracer) and not tracer.asks:
        span = tracer.identity(above)
    else:
        span = tracer.start_span(
            span_name(call), parent, SpanKind.CLIENT, request_attributes(call), start_time=call.started_at
        )
    return span, set_span_in_context(span, parent)


def end(span: Span, call: Call, content: Content | None = None) -> None:
    """Set what the call turned out to be, and end its span at its own time."""
    if span.is_recording():
        words = {} if content is None else content_attributes(content)
        span.set_attributes(_fitting(span, {**answer_attributes(call), **words}))
        if call.error_type is not None:
            span.set_status(Status(StatusCode.ERROR, call.error_message or call.error_type))
    span.end(call.started_at + (call.duration or 0))


def _fitting(span: Span, found: Attributes) -> Attributes:
    """Return what fits on a span whose limits the application has set: the SDK logs each attribute that does not."""
    held = getattr(span, "_attributes", None)
    most, longest = getattr(held, "maxlen", None), getattr(held, "max_value_len", None)
    if longest is not None:
        found = {name: value[:longest] if isinstance(value, str) else value for name, value in found.items()}
    if most is None or held is None or len(held) + len(found) <= most:
        return found
    added = sorted(
        (name for name in found if name not in held), key=lambda name: name.startswith((names.TAG, names.METADATA))
    )
    return {name: found[name] for name in added[: max(0, most - len(held))]}


def exported(call: Call, encoder: contract.Encoder, version: str, content: Content | None = None) -> contract.Span:
    """Return the span of a finished call as exporters are given it: the same name, ids, times and attributes."""
    return contract.Span(
        name=span_name(call),
        trace_id=call.trace_id or call.call_id,
        span_id=call.span_id or call.call_id[:16],
        parent_span_id=call.parent_span_id,
        kind="client",
        start=call.started_at,
        end=call.started_at + (call.duration or 0),
        status="unset" if call.error_type is None else "error",
        status_message=call.error_type and (call.error_message or call.error_type),
        attributes=request_attributes(call) | answer_attributes(call),
        content={} if content is None else content_attributes(content),
        user=call.user,
        session=call.session,
        trace_name=call.trace_name,
        tags=call.tags,
        metadata=call.metadata,
        environment=call.environment or text_of(call.resource, ENVIRONMENT),
        release=call.release or text_of(call.resource, RELEASE),
        resource=call.resource,
        scope=(SCOPE, version),
        generation=call,
        encoder=encoder,
    )
