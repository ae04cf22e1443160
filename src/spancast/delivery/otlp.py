"""Our span as OTLP bytes.

A span is encoded once, in pieces. What one destination adds, and the words that another is not to have, are put behind
the pieces: a protobuf message is the join of its fields. Only where a piece says what is to go it is encoded anew.
Protobuf is imported when the first span is encoded: most programs only record.
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

    __slots__ = ("_kept", "_whole")

    def __init__(self) -> None:
        self._kept: _Pieces | None = None
        self._whole: tuple[_Pieces, bytes] | None = None
        """The pieces joined as they are, which many destinations take."""

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
        further = _merged(span.content, add, drop)
        if not further and not resource:
            return self._as_it_is(kept)
        return kept.joined(
            _messages().span_attributes(further) if further else b"",
            _messages().resource_message(resource) if resource else b"",
        )

    def _as_it_is(self, pieces: _Pieces) -> bytes:
        whole = self._whole
        if whole is None or whole[0] is not pieces:
            self._whole = whole = (pieces, pieces.joined(b"", b""))
        return whole[1]


class Once:
    """An `Encoder` of one span, for destinations that take it as it is: it keeps what another has made of it."""

    __slots__ = ("_encoder", "_made")

    def __init__(self, encoder: Encoder) -> None:
        self._encoder = encoder
        self._made: tuple[tuple[Any, ...], Mapping[str, Attribute], bytes] | None = None

    def __call__(
        self, span: Span, add: Mapping[str, Attribute], drop: Sequence[str], resource: Mapping[str, Scalar], /
    ) -> bytes:
        """Return a serialised `ExportTraceServiceRequest`."""
        if add or drop or resource:
            return self._encoder(span, add, drop, resource)
        made, seen = self._made, _seen(span)
        if made is None or made[1] is not span.content or not all(map(is_, made[0], seen)):
            self._made = made = (seen, span.content, self._encoder(span, add, drop, resource))
        return made[2]


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
    messages = _messages()
    return _Pieces(
        _seen(span),
        messages.resource_message(resource),
        _field(_SCOPE, messages.scope_message(*span.scope)),
        messages.span_message(span, attributes),
    )


def _messages() -> "ModuleType":
    from spancast.delivery import otlp_message  # noqa: PLC0415 - protobuf comes with it

    return otlp_message


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
