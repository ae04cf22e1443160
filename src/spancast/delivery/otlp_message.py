"""The protobuf messages of OTLP (opentelemetry-proto, trace.proto) for a span. Importing this imports protobuf."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue, InstrumentationScope, KeyValue
from opentelemetry.proto.resource.v1.resource_pb2 import Resource
from opentelemetry.proto.trace.v1 import trace_pb2

from spancast.contract import Attribute, Event, Span

_NOT_REMOTE = trace_pb2.SpanFlags.SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK
"""The parent is known to be of this process, as OpenTelemetry's own encoder states it."""
_KIND = {name.removeprefix("SPAN_KIND_").lower(): number for name, number in trace_pb2.Span.SpanKind.items()}
_STATUS = {name.removeprefix("STATUS_CODE_").lower(): number for name, number in trace_pb2.Status.StatusCode.items()}


def span_message(span: Span, attributes: Mapping[str, Attribute]) -> bytes:
    """Return a serialised `Span`; raise `TypeError` or `ValueError` for what OTLP cannot hold."""
    message = trace_pb2.Span(
        trace_id=bytes.fromhex(span.trace_id),
        span_id=bytes.fromhex(span.span_id),
        parent_span_id=bytes.fromhex(span.parent_span_id or ""),
        name=span.name,
        kind=_KIND[span.kind],
        start_time_unix_nano=span.start,
        end_time_unix_nano=span.end,
        attributes=_pairs(attributes),
        events=[_event(each) for each in span.events],
        status=trace_pb2.Status(code=_STATUS[span.status], message=_failure(span)),
        flags=_NOT_REMOTE,
    )
    return bytes(message.SerializeToString())


def span_attributes(stated: Mapping[str, Attribute]) -> bytes:
    """Return attributes as serialised fields of a `Span`."""
    return bytes(trace_pb2.Span(attributes=_pairs(stated)).SerializeToString()) if stated else b""


def resource_message(stated: Mapping[str, Any]) -> bytes:
    """Return a serialised `Resource`, or further fields of one: protobuf messages are merged by concatenation."""
    return _resource(tuple((name, type(value), value) for name, value in stated.items()))


@lru_cache(maxsize=64)
def _resource(stated: tuple[tuple[str, type, Any], ...]) -> bytes:
    """Return a resource, which most spans share; the types are part of the key, since `1 == True`."""
    return bytes(Resource(attributes=_pairs({name: value for name, _, value in stated})).SerializeToString())


@lru_cache(maxsize=64)
def scope_message(name: str, version: str) -> bytes:
    """Return a serialised `InstrumentationScope`."""
    return bytes(InstrumentationScope(name=name, version=version).SerializeToString())


def _event(event: Event) -> trace_pb2.Span.Event:
    return trace_pb2.Span.Event(name=event.name, time_unix_nano=event.time, attributes=_pairs(event.attributes))


def _failure(span: Span) -> str:
    return (span.status_message or "") if span.status == "error" else ""


def _pairs(stated: Mapping[str, Any]) -> list[KeyValue]:
    return [KeyValue(key=key, value=_value(value)) for key, value in stated.items()]


def _value(value: Any) -> AnyValue:
    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return AnyValue(array_value=ArrayValue(values=map(_value, value)))
    raise TypeError(f"An attribute cannot be of type {type(value).__name__}.")
