"""A span as OTLP bytes.

A span is encoded once, in parts. The attributes that a destination adds, and the content, which some destinations do
not get, are appended: protobuf messages are merged by concatenation. A part is encoded anew only if a destination drops
or replaces an attribute in it. Protobuf is imported when the first span is encoded, since most programs only record.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, is_
from typing import TYPE_CHECKING, Any

from spancast.contract import Attribute, Encoder, Span
from spancast.records.call import Scalar

if TYPE_CHECKING:
    from types import ModuleType


@dataclass(frozen=True, slots=True)
class _Parts:
    """A span without its content."""

    source: tuple[Any, ...]
    """The fields of the span that the parts are made from."""
    resource: bytes
    """The message `Resource`."""
    scope: bytes
    """The field `scope` of `ScopeSpans`."""
    span: bytes
    """The message `Span`."""

    def request(self, attributes: bytes, resource: bytes) -> bytes:
        """Return the request for the span, with further attributes of the span and of its resource."""
        scoped = self.scope + _field(_SPANS, self.span + attributes)
        return _field(_RESOURCE_SPANS, _field(_RESOURCE, self.resource + resource) + _field(_SCOPE_SPANS, scoped))


class OtlpEncoder:
    """The `Encoder` of a span, for any number of destinations. It caches the parts of the last span."""

    __slots__ = ("_parts", "_request")

    def __init__(self) -> None:
        self._parts: _Parts | None = None
        self._request: tuple[_Parts, bytes] | None = None
        """The request without any additions, which many destinations get."""

    def __call__(
        self, span: Span, add: Mapping[str, Attribute], drop: Sequence[str], resource: Mapping[str, Scalar], /
    ) -> bytes:
        """Return a serialised `ExportTraceServiceRequest`; raise `TypeError` or `ValueError` if OTLP cannot hold it."""
        if _conflict(span.attributes, add, drop) or not resource.keys().isdisjoint(span.resource):
            attributes = _merged({**span.attributes, **span.content}, add, drop)
            return _encode(span, attributes, {**span.resource, **resource}).request(b"", b"")
        parts = self._parts
        if parts is None or not all(map(is_, parts.source, _source(span))):
            self._parts = parts = _encode(span, span.attributes, span.resource)
        further = _merged(span.content, add, drop)
        if not further and not resource:
            return self._plain_request(parts)
        return parts.request(
            _messages().span_attributes(further) if further else b"",
            _messages().resource_message(resource) if resource else b"",
        )

    def _plain_request(self, parts: _Parts) -> bytes:
        cached = self._request
        if cached is None or cached[0] is not parts:
            self._request = cached = (parts, parts.request(b"", b""))
        return cached[1]


class Once:
    """An `Encoder` that caches the unchanged request of one span, for all destinations that add and drop nothing."""

    __slots__ = ("_cached", "_encoder")

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._cached: tuple[tuple[Any, ...], Mapping[str, Attribute], bytes] | None = None

    def __call__(
        self, span: Span, add: Mapping[str, Attribute], drop: Sequence[str], resource: Mapping[str, Scalar], /
    ) -> bytes:
        """Return a serialised `ExportTraceServiceRequest`."""
        if add or drop or resource:
            return self._encoder(span, add, drop, resource)
        cached, source = self._cached, _source(span)
        if cached is None or cached[1] is not span.content or not all(map(is_, cached[0], source)):
            self._cached = cached = (source, span.content, self._encoder(span, add, drop, resource))
        return cached[2]


_source = attrgetter(
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


def _conflict(attributes: Mapping[str, Attribute], add: Mapping[str, Attribute], drop: Sequence[str]) -> bool:
    """Whether an encoded attribute would have to be replaced or dropped."""
    return not add.keys().isdisjoint(attributes) or any(key in attributes for key in drop)


def _merged(
    attributes: Mapping[str, Attribute], add: Mapping[str, Attribute], drop: Sequence[str]
) -> Mapping[str, Attribute]:
    return {key: value for key, value in {**attributes, **add}.items() if key in add or key not in drop}


def _encode(span: Span, attributes: Mapping[str, Attribute], resource: Mapping[str, Scalar]) -> _Parts:
    messages = _messages()
    return _Parts(
        _source(span),
        messages.resource_message(resource),
        _field(_SCOPE, messages.scope_message(*span.scope)),
        messages.span_message(span, attributes),
    )


def _messages() -> "ModuleType":
    from spancast.delivery import otlp_message  # noqa: PLC0415 - it imports protobuf

    return otlp_message


_RESOURCE_SPANS = 1
"""The number of the field in `ExportTraceServiceRequest` (opentelemetry-proto, trace_service.proto)."""
_RESOURCE, _SCOPE_SPANS = 1, 2
"""In `ResourceSpans` (opentelemetry-proto, trace.proto)."""
_SCOPE, _SPANS = 1, 2
"""In `ScopeSpans` (opentelemetry-proto, trace.proto)."""


def _field(number: int, message: bytes) -> bytes:
    """Return a message as a field of another one (Protocol Buffers, encoding: length-delimited records)."""
    return bytes((number << 3 | _LENGTH_DELIMITED, *_varint(len(message)))) + message


_LENGTH_DELIMITED = 2


def _varint(number: int) -> list[int]:
    found = []
    while number > _SEVEN_BITS:
        found.append(number & _SEVEN_BITS | _MORE)
        number >>= 7
    return [*found, number]


_SEVEN_BITS, _MORE = 0x7F, 0x80
