"""Our span as OTLP bytes, by OpenTelemetry's own encoder.

A span is encoded once, in pieces. What one destination adds, and the words that another is not to have, are put behind
the pieces: a protobuf message is the join of its fields. Only where a piece says what is to go it is encoded anew.
The SDK, the encoder and protobuf are imported when the first span is encoded: most programs only record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any

from spancast.call import Scalar
from spancast.contract import Attribute, Span

if TYPE_CHECKING:
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext


@dataclass(frozen=True, slots=True)
class _Pieces:
    """A span without its words."""

    seen: tuple[Any, ...]
    """What they are made of."""
    resource: bytes
    """The message `Resource`."""
    scope: bytes
    """The field `scope` of `ScopeSpans`."""
    span: bytes
    """The message `Span`."""

    def joined(self, attributes: bytes, resource: bytes) -> bytes:
        """Return the request of one span, with further attributes of it and of its resource."""
        scoped = self.scope + _field(_SPANS, self.span + attributes)
        return _field(_RESOURCE_SPANS, _field(_RESOURCE, self.resource + resource) + _field(_SCOPE_SPANS, scoped))


class OtlpEncoder:
    """The `Encoder` of a span, for any number of destinations. It keeps the pieces of the last span."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: _Pieces | None = None

    def __call__(
        self, span: Span, add: Mapping[str, Attribute], drop: Sequence[str], resource: Mapping[str, Scalar], /
    ) -> bytes:
        """Return a serialised `ExportTraceServiceRequest`; raise `TypeError` or `ValueError` for what OTLP has not."""
        if _contradict(span.attributes, add, drop) or not resource.keys().isdisjoint(span.resource):
            stated = _merged({**span.attributes, **span.content}, add, drop)
            return _pieces(span, stated, {**span.resource, **resource}).joined(b"", b"")
        kept = self._kept
        if kept is None or not all(map(is_, kept.seen, _seen(span))):
            self._kept = kept = _pieces(span, span.attributes, span.resource)
        return kept.joined(_attributes(_merged(span.content, add, drop)), _resource(resource))


_seen = attrgetter(
    "name",
    "trace_id",
    "span_id",
    "parent_span_id",
    "kind",
    "start",
    "end",
    "status",
    "status_message",
    "attributes",
    "events",
    "resource",
    "scope",
)


def _contradict(attributes: Mapping[str, Attribute], add: Mapping[str, Attribute], drop: Sequence[str]) -> bool:
    return not add.keys().isdisjoint(attributes) or any(key in attributes for key in drop)


def _merged(
    attributes: Mapping[str, Attribute], add: Mapping[str, Attribute], drop: Sequence[str]
) -> Mapping[str, Attribute]:
    return {key: value for key, value in {**attributes, **add}.items() if key in add or key not in drop}


def _pieces(span: Span, attributes: Mapping[str, Attribute], resource: Mapping[str, Scalar]) -> _Pieces:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415

    (whole,) = encode_spans([_readable(span, attributes, resource)]).resource_spans
    (scoped,) = whole.scope_spans
    return _Pieces(
        _seen(span),
        whole.resource.SerializeToString(),
        _field(_SCOPE, scoped.scope.SerializeToString()),
        scoped.spans[0].SerializeToString(),
    )


_RESOURCE_SPANS = 1
"""The number of the field in `ExportTraceServiceRequest` (opentelemetry-proto, trace_service.proto)."""
_RESOURCE, _SCOPE_SPANS = 1, 2
"""In `ResourceSpans` (opentelemetry-proto, trace.proto)."""
_SCOPE, _SPANS = 1, 2
"""In `ScopeSpans` (opentelemetry-proto, trace.proto)."""


def _field(number: int, message: bytes) -> bytes:
    """Return a message as a field of another (Protocol Buffers, encoding: length-delimited records)."""
    return bytes((number << 3 | _LENGTH_DELIMITED, *_varint(len(message)))) + message


_LENGTH_DELIMITED = 2


def _varint(number: int) -> list[int]:
    found = []
    while number > _SEVEN_BITS:
        found.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    return [*found, number]


_SEVEN_BITS, _MORE = 0x7F, 0x80


def _attributes(stated: Mapping[str, Attribute]) -> bytes:
    """Return attributes as the fields of a `Span` that they are."""
    if not stated:
        return b""
    from opentelemetry.proto.trace.v1.trace_pb2 import Span as Message  # noqa: PLC0415

    return Message(attributes=_pairs(stated)).SerializeToString()


def _resource(stated: Mapping[str, Scalar]) -> bytes:
    """Return the same of a `Resource`."""
    if not stated:
        return b""
    from opentelemetry.proto.resource.v1.resource_pb2 import Resource as Message  # noqa: PLC0415

    return Message(attributes=_pairs(stated)).SerializeToString()


def _pairs(stated: Mapping[str, Any]) -> "list[KeyValue]":
    from opentelemetry.proto.common.v1.common_pb2 import KeyValue  # noqa: PLC0415

    return [KeyValue(key=key, value=_value(value)) for key, value in stated.items()]


def _value(value: Any) -> "AnyValue":
    from opentelemetry.proto.common.v1.common_pb2 import AnyValue, ArrayValue  # noqa: PLC0415

    if isinstance(value, str):
        return AnyValue(string_value=value)
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    if isinstance(value, float):
        return AnyValue(double_value=value)
    if isinstance(value, Sequence):
        return AnyValue(array_value=ArrayValue(values=map(_value, value)))
    raise TypeError(f"An attribute cannot be a {type(value).__name__}.")


def _readable(span: Span, attributes: Mapping[str, Attribute], resource: Mapping[str, Scalar]) -> "ReadableSpan":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import Event, ReadableSpan  # noqa: PLC0415
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415

    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=_context(span.trace_id, span.parent_span_id) if span.parent_span_id else None,
        resource=Resource(resource),
        attributes=attributes,
        events=[Event(each.name, each.attributes, each.time) for each in span.events],
        kind=SpanKind[span.kind.upper()],
        status=Status(StatusCode[span.status.upper()], span.status_message if span.status == "error" else None),
        start_time=span.start,
        end_time=span.end,
        instrumentation_scope=InstrumentationScope(*span.scope),
    )


def _context(trace_id: str, span_id: str) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
