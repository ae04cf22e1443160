"""A stored record as the span that exporters are given."""

from typing import cast

from spancast import contract
from spancast.records.app_span import AppSpan, Value
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.resource import ENVIRONMENT, RELEASE, text_of
from spancast.semconv import names
from spancast.spans.attributes import content_attributes, request_attributes, response_attributes, span_name
from spancast.spans.scope import SCOPE


def export_call(call: Call, encoder: contract.Encoder, version: str, content: Content | None = None) -> contract.Span:
    """Return the span of a finished call, with the name, ids, times and attributes of its live span."""
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
        attributes=request_attributes(call) | response_attributes(call),
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


def export_app_span(record: AppSpan, encoder: contract.Encoder) -> contract.Span:
    """Return one of the application's own spans."""
    return contract.Span(
        name=record.name,
        trace_id=record.trace_id,
        span_id=record.span_id,
        parent_span_id=record.parent_span_id,
        kind=record.kind,
        start=record.started_at,
        end=record.ended_at,
        status=record.status,
        status_message=record.status_message,
        attributes=_attributes(record.attributes),
        content=_attributes(record.content_attributes),
        events=[
            contract.Event(name=each.name, time=each.time, attributes=_attributes(each.attributes))
            for each in record.events
        ],
        user=record.user,
        session=record.session,
        tags={
            name.removeprefix(names.TAG): value
            for name, value in record.attributes.items()
            if name.startswith(names.TAG) and isinstance(value, str)
        },
        environment=text_of(record.resource, ENVIRONMENT),
        release=text_of(record.resource, RELEASE),
        resource=record.resource,
        scope=record.scope,
        generation=None,
        encoder=encoder,
    )


def _attributes(stored: dict[str, Value]) -> dict[str, contract.Attribute]:
    """Return attributes as the contract types them: OpenTelemetry ensures that each sequence is of one type."""
    return cast("dict[str, contract.Attribute]", stored)
