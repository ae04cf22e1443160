"""Our span as OTLP bytes, by OpenTelemetry's own encoder.

The SDK, the encoder and protobuf are imported when the first span is encoded: most programs only record.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from spancast.call import Scalar
from spancast.contract import Attribute, Span

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.trace import SpanContext


class OtlpEncoder:
    """The `Encoder` of a span. It keeps the bytes of the last span as it is, for the next destination to ask."""

    __slots__ = ("_kept",)

    def __init__(self) -> None:
        self._kept: tuple[Span, bytes] | None = None

    def __call__(
        self, span: Span, add: Mapping[str, Attribute], drop: Sequence[str], resource: Mapping[str, Scalar], /
    ) -> bytes:
        """Return a serialised `ExportTraceServiceRequest`; raise what the official encoder raises."""
        stated = {**span.attributes, **span.content}
        if add or drop or resource:
            return _encoded(span, _merged(stated, add, drop), {**span.resource, **resource})
        kept = self._kept
        if kept is None or kept[0] is not span:
            kept = (span, _encoded(span, stated, span.resource))
            self._kept = kept
        return kept[1]


def _merged(
    attributes: Mapping[str, Attribute], add: Mapping[str, Attribute], drop: Sequence[str]
) -> Mapping[str, Attribute]:
    return {key: value for key, value in {**attributes, **add}.items() if key in add or key not in drop}


def _encoded(span: Span, attributes: Mapping[str, Attribute], resource: Mapping[str, Scalar]) -> bytes:
    from opentelemetry.exporter.otlp.proto.common.trace_encoder import encode_spans  # noqa: PLC0415

    return bytes(encode_spans([_readable(span, attributes, resource)]).SerializeToString())


def _readable(span: Span, attributes: Mapping[str, Attribute], resource: Mapping[str, Scalar]) -> "ReadableSpan":
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415

    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=_context(span.trace_id, span.parent_span_id) if span.parent_span_id else None,
        resource=Resource(resource),
        attributes=attributes,
        kind=SpanKind[span.kind.upper()],
        status=Status(StatusCode[span.status.upper()], span.status_message if span.status == "error" else None),
        start_time=span.start,
        end_time=span.end,
        instrumentation_scope=InstrumentationScope(*span.scope),
    )


def _context(trace_id: str, span_id: str) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415

    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
