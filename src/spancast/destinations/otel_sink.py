"""Any OpenTelemetry span exporter as a destination. The SDK is imported when the first span is written."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, cast

from spancast.contract import Delivered, Exporter, ExporterChoice, Retry, Sink, Span, Verdict

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import ReadableSpan
    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import SpanContext


class OtelSink:
    """A `Sink` around a span exporter; spans that the exporter fails on are written again."""

    def __init__(self, exporter: "SpanExporter") -> None:
        self._exporter = exporter

    def __repr__(self) -> str:
        return f"OtelSink({type(self._exporter).__qualname__})"

    def write(self, spans: Sequence[Span]) -> Verdict:
        """Export the spans, untraced."""
        from opentelemetry.instrumentation.utils import suppress_instrumentation  # noqa: PLC0415 - see above
        from opentelemetry.sdk.trace.export import SpanExportResult  # noqa: PLC0415 - the SDK

        with suppress_instrumentation():
            result = self._exporter.export([readable(span) for span in spans])
        if result is SpanExportResult.SUCCESS:
            return Delivered()
        return Retry(f"{type(self._exporter).__name__} did not take it; its own log says why")


def as_destination(made: object) -> Exporter | Sink | None:
    """Return an exporter or a sink as it is, an OpenTelemetry exporter as a sink, and `None` for anything else."""
    if isinstance(made, type):
        return None
    if isinstance(made, ExporterChoice):
        return made.build()
    if isinstance(made, Exporter | Sink):
        return made
    methods = (getattr(made, name, None) for name in ("export", "shutdown", "force_flush"))
    return OtelSink(cast("SpanExporter", made)) if all(map(callable, methods)) else None


def readable(span: Span) -> "ReadableSpan":
    """Return a span of OpenTelemetry's SDK, with the content among its attributes."""
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 - see above
    from opentelemetry.sdk.trace import Event, ReadableSpan  # noqa: PLC0415 - the SDK
    from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415 - the SDK
    from opentelemetry.trace import SpanKind, Status, StatusCode  # noqa: PLC0415 - the SDK

    failed = span.status == "error"
    return ReadableSpan(
        name=span.name,
        context=_context(span.trace_id, span.span_id),
        parent=None if span.parent_span_id is None else _context(span.trace_id, span.parent_span_id),
        resource=Resource(span.resource),
        attributes={**span.attributes, **span.content},
        events=[Event(each.name, each.attributes, each.time) for each in span.events],
        kind=SpanKind[span.kind.upper()],
        instrumentation_scope=InstrumentationScope(*span.scope),
        status=Status(StatusCode[span.status.upper()], span.status_message if failed else None),
        start_time=span.start,
        end_time=span.end,
    )


def _context(trace_id: str, span_id: str) -> "SpanContext":
    from opentelemetry.trace import SpanContext, TraceFlags  # noqa: PLC0415 - see above

    return SpanContext(int(trace_id, 16), int(span_id, 16), is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED))
