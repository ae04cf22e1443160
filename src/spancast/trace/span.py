"""The live span of a Call, in the application's own trace."""

from opentelemetry.context import Context
from opentelemetry.trace import Span, SpanContext, SpanKind, Status, StatusCode, Tracer, set_span_in_context

from spancast.records.call import Call
from spancast.records.content import Content
from spancast.semconv import names
from spancast.spans.attributes import (
    Attributes,
    content_attributes,
    request_attributes,
    response_attributes,
    span_name,
)
from spancast.trace.identity import IdentityTracer


def begin(tracer: Tracer, call: Call, parent: Context, above: SpanContext) -> tuple[Span, Context]:
    """Start the span of a call in the context `parent`, under `above`; return it and the context that has it."""
    if isinstance(tracer, IdentityTracer) and not tracer.uses_sampler:
        span = tracer.identity(above)
    else:
        span = tracer.start_span(
            span_name(call), parent, SpanKind.CLIENT, request_attributes(call), start_time=call.started_at
        )
    return span, set_span_in_context(span, parent)


def end(span: Span, call: Call, content: Content | None = None) -> None:
    """Set the attributes of a finished call on its span, and end it at the call's own time."""
    if span.is_recording():
        content_found = {} if content is None else content_attributes(content)
        span.set_attributes(_fitting(span, {**response_attributes(call), **content_found}))
        if call.error_type is not None:
            span.set_status(Status(StatusCode.ERROR, call.error_message or call.error_type))
    span.end(call.started_at + (call.duration or 0))


def _fitting(span: Span, found: Attributes) -> Attributes:
    """Return the attributes that fit the span limits set by the application: the SDK logs each that does not."""
    own = getattr(span, "_attributes", None)
    max_count, max_length = getattr(own, "maxlen", None), getattr(own, "max_value_len", None)
    if max_length is not None:
        found = {name: value[:max_length] if isinstance(value, str) else value for name, value in found.items()}
    if max_count is None or own is None or len(own) + len(found) <= max_count:
        return found
    added = sorted(
        (name for name in found if name not in own), key=lambda name: name.startswith((names.TAG, names.METADATA))
    )
    return {name: found[name] for name in added[: max(0, max_count - len(own))]}
