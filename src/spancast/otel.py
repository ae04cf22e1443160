"""Every exporter of ours as a span exporter for OpenTelemetry's SDK, and the names under which the SDK finds them.

    OTEL_TRACES_EXPORTER=langfuse opentelemetry-instrument python app.py

    provider.add_span_processor(BatchSpanProcessor(spancast.otel.SpanExporter("datadog", site="datadoghq.eu")))

Such an exporter stores nothing on the disk. What the platform does not accept within the timeout is lost, as with every
span exporter; only `spancast.start(destinations=[...])` is durable. The content that another library has put on its
spans is sent only if `capture_content` is set.

Conversely, an OpenTelemetry span exporter can be a destination: `spancast.Destination(OTLPSpanExporter())`.
"""

import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter as _SpanExporter
from opentelemetry.sdk.trace.export import SpanExportResult

from spancast.base import guard
from spancast.base.deadline import Deadline
from spancast.broadcast.policy import Policy
from spancast.broadcast.shape import Shaper
from spancast.contract import Exporter, Sink, Span, Traits
from spancast.delivery.courier.batch import Batch, Item
from spancast.delivery.courier.doubt import Doubt
from spancast.delivery.courier.sending import Sender
from spancast.delivery.http import backoff
from spancast.delivery.http.allowance import Allowance
from spancast.delivery.http.channel import Channel
from spancast.delivery.otlp import OtlpEncoder
from spancast.destinations import discover
from spancast.destinations.destination import Destination
from spancast.errors import ConfigurationError
from spancast.settings.resolve import resolve
from spancast.spans.export import export_app_span
from spancast.spans.parsing import call_from_span
from spancast.trace.ancestry import parent_of
from spancast.trace.app_spans import EndedSpan, to_app_span

TIMEOUT_SECONDS = 10.0
"""For one export: all attempts and the waits between them (OpenTelemetry's `OTEL_EXPORTER_OTLP_TIMEOUT`)."""


class SpanExporter(_SpanExporter):
    """Sends spans synchronously, for a span processor. Not thread-safe, as OpenTelemetry specifies.

    Args:
        exporter: as `spancast.Destination` takes it, or a `Destination`, whose policies then apply.
        timeout: seconds that one export may take.
        capture_content: whether to send prompts and completions; by default as the settings say.
        options: the exporter's own fields.

    Raises:
        ConfigurationError: the exporter or an option cannot work.
    """

    def __init__(
        self,
        exporter: str | Exporter | Sink | Destination,
        *,
        timeout: float = TIMEOUT_SECONDS,
        capture_content: bool | None = None,
        **options: Any,
    ) -> None:
        self._destination = exporter if isinstance(exporter, Destination) else Destination(exporter, **options)
        self._sends_content = resolve({"capture_content": capture_content}).capture_content != "no_content"
        self._timeout = timeout
        self._stopped = threading.Event()
        self._shaper = Shaper(self._destination)
        self._policy = Policy(self._destination)
        built = discover.exporter(self._destination)
        traits = built.traits if isinstance(built, Exporter) else Traits()
        name = self._destination.name
        self._channel = Channel(built)
        self._sender = Sender(name, built, traits, self._channel, Doubt(name, built, traits, self._channel))
        self._max_spans = traits.max_spans

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans; return whether the platform has accepted all that the destination wants."""
        if self._stopped.is_set():
            return SpanExportResult.FAILURE
        try:
            return SpanExportResult.SUCCESS if self._send(self._items(spans)) else SpanExportResult.FAILURE
        except Exception:  # noqa: BLE001 - the processor is the application's
            guard.caught("otel.export")
            return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Accept no more spans."""
        self._stopped.set()
        self._channel.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - nothing is buffered
        """Return `True`: `export` buffers nothing."""
        return True

    def _items(self, spans: Sequence[ReadableSpan]) -> list[Item]:
        converted = (self._span(span) for span in spans)
        return [Item(number, span) for number, span in enumerate(converted) if span is not None]

    def _span(self, span: ReadableSpan) -> Span | None:
        """Return a span as the destination gets it; `None` for one that it does not want."""
        context = span.context
        if context is None:
            return None
        ended = EndedSpan(span, context, is_genai=True, genai_parent=parent_of(span))
        app_span = to_app_span(ended, (), content=self._sends_content)
        converted = _with_call(export_app_span(app_span, OtlpEncoder()))
        reason = self._policy.skip_reason(converted.generation or app_span)
        return None if reason is not None else self._shaper.shaped(converted).span

    def _send(self, items: list[Item]) -> bool:
        """Send the spans, and retry what the platform may accept later, until the timeout."""
        deadline, failures, all_accepted = Deadline(self._timeout), 0, True
        while items and not self._stopped.is_set():
            batch = Batch(waiting=[])
            self._sender.send(batch, items[: self._max_spans], Allowance(deadline, self._stopped.is_set))
            all_accepted = all_accepted and not batch.dead and not batch.held
            done = {*batch.delivered, *batch.skipped, *batch.dead, *batch.held}
            items = [item for item in items if item.seq not in done]
            for reason in {*batch.dead.values(), *([batch.reason] if batch.reason else [])}:
                self._warn(reason)
            if batch.state == "parked":
                return False
            if batch.state != "ready":
                failures += 1
                pause = backoff.wait(failures) if batch.retry_after is None else backoff.retry_after(batch.retry_after)
                if pause >= deadline.remaining or self._stopped.wait(pause):
                    return False
            elif not done:
                return False
        return all_accepted and not items

    def _warn(self, reason: str) -> None:
        name = self._destination.name
        guard.warn(f"{name} export", "%s did not accept every span: %s", name, reason)


def _with_call(span: Span) -> Span:
    """Return a span of ours with its call, and with what the call states about its trace."""
    call = call_from_span(span)
    if call is None:
        return span
    return replace(
        span,
        generation=call,
        trace_name=call.trace_name,
        tags=call.tags,
        metadata=call.metadata,
        environment=call.environment or span.environment,
        release=call.release or span.release,
    )


class _Unconfigured(_SpanExporter):
    """Replaces an exporter that lacks a credential, since an exception would make the SDK give up all tracing."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 - it sends none
        return SpanExportResult.FAILURE


@cache
def _named(name: str) -> type[_SpanExporter]:
    """Return the class that OpenTelemetry's SDK instantiates, without arguments, for an exporter of this name."""

    def new(_: type[_SpanExporter], **options: Any) -> _SpanExporter:
        try:
            return SpanExporter(name, **options)
        except ConfigurationError as error:
            if options:
                raise
            guard.warn(f"{name} exporter", "No span goes to %s: %s", name, error)
            return _Unconfigured()

    return type(name, (_SpanExporter,), {"__new__": new, "__doc__": f"Makes a `SpanExporter` for {name!r}."})


def __getattr__(name: str) -> type[_SpanExporter]:
    """Return the class for an exporter of this name, as the entry points in `opentelemetry_traces_exporter` ask."""
    if name.startswith("_") or name not in discover.known_names():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _named(name)
