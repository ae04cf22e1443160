"""Any exporter of ours as a span exporter of OpenTelemetry's, and the names by which its SDK finds them.

    OTEL_TRACES_EXPORTER=langfuse opentelemetry-instrument python app.py

    provider.add_span_processor(BatchSpanProcessor(spancast.otel.SpanExporter("datadog", site="datadoghq.eu")))

Such an exporter keeps nothing on the disk. What the platform does not take within the timeout is lost, as with every
span exporter: `spancast.start(destinations=[...])` is what loses nothing. Content follows the rules of ours: words that
another library has put on its spans are sent only where `capture_content` says so.

The other way, a span exporter of OpenTelemetry's is a destination: `spancast.Destination(OTLPSpanExporter())`.
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
from spancast.trace.companion import companion
from spancast.trace.companions import Seen, foreign
from spancast.trace.family import parent_of
from spancast.trace.reading import call_of

TIMEOUT = 10.0
"""Seconds for one export, the attempts and the waits between them together (OTel, `OTEL_EXPORTER_OTLP_TIMEOUT`)."""


class SpanExporter(_SpanExporter):
    """Sends spans at once, for a span processor. From one thread at a time, as OpenTelemetry has it.

    Args:
        exporter: as `spancast.Destination` takes it, or a `Destination`, whose policies then hold.
        timeout: seconds that one export may take.
        capture_content: whether words are sent; without it the settings say so, as for `spancast.start`.
        options: the exporter's own fields.

    Raises `ConfigurationError` for what cannot work.
    """

    def __init__(
        self,
        exporter: str | Exporter | Sink | Destination,
        *,
        timeout: float = TIMEOUT,
        capture_content: bool | None = None,
        **options: Any,
    ) -> None:
        self._destination = exporter if isinstance(exporter, Destination) else Destination(exporter, **options)
        self._words = resolve({"capture_content": capture_content}).capture_content != "no_content"
        self._timeout = timeout
        self._stopped = threading.Event()
        self._shaper = Shaper(self._destination)
        self._policy = Policy(self._destination)
        made = discover.exporter(self._destination)
        traits = made.traits if isinstance(made, Exporter) else Traits()
        name = self._destination.name
        self._channel = Channel(made)
        self._sender = Sender(name, made, traits, self._channel, Doubt(name, made, traits, self._channel))
        self._most = traits.max_spans

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send the spans; say whether the platform has all of them that it is to have."""
        if self._stopped.is_set():
            return SpanExportResult.FAILURE
        try:
            return SpanExportResult.SUCCESS if self._sent(self._items(spans)) else SpanExportResult.FAILURE
        except Exception:  # noqa: BLE001 - the processor is the application's
            guard.caught("otel.export")
            return SpanExportResult.FAILURE

    def shutdown(self) -> None:
        """Take no more."""
        self._stopped.set()
        self._channel.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002 - nothing is kept
        """Return `True`: an export is over when it returns."""
        return True

    def _items(self, spans: Sequence[ReadableSpan]) -> list[Item]:
        found = (self._span(span) for span in spans)
        return [Item(number, span) for number, span in enumerate(found) if span is not None]

    def _span(self, span: ReadableSpan) -> Span | None:
        """Return a span as the destination is to have it; `None` for one that it does not want."""
        context = span.context
        if context is None:
            return None
        kept = foreign(Seen(span, context, genai=True, above=parent_of(span)), (), words=self._words)
        made = _with_call(companion(kept, OtlpEncoder()))
        unwanted = self._policy.unwanted(made.generation or kept)
        return None if unwanted is not None else self._shaper.shaped(made).span

    def _sent(self, items: list[Item]) -> bool:
        """Send the spans, and again what the platform may take later, until the time is over."""
        deadline, failures, whole = Deadline(self._timeout), 0, True
        while items and not self._stopped.is_set():
            batch = Batch(waiting=[])
            self._sender.send(batch, items[: self._most], Allowance(deadline, self._stopped.is_set))
            whole = whole and not batch.dead and not batch.held
            done = {*batch.delivered, *batch.skipped, *batch.dead, *batch.held}
            items = [item for item in items if item.seq not in done]
            for reason in {*batch.dead.values(), *([batch.reason] if batch.reason else [])}:
                self._complain(reason)
            if batch.state == "parked":
                return False
            if batch.state != "ready":
                failures += 1
                pause = backoff.wait(failures) if batch.asked is None else backoff.asked(batch.asked)
                if pause >= deadline.left or self._stopped.wait(pause):
                    return False
            elif not done:
                return False
        return whole and not items

    def _complain(self, reason: str) -> None:
        name = self._destination.name
        guard.once_a_minute(f"{name} export", "%s did not take every span: %s", name, reason)


def _with_call(span: Span) -> Span:
    """Return a span of ours with the call that it is of, and what that says of its trace."""
    call = call_of(span)
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
    """Stands for one that lacks something; the SDK would give up all tracing if it were told by an exception."""

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:  # noqa: ARG002 - they go nowhere
        return SpanExportResult.FAILURE


@cache
def _named(name: str) -> type[_SpanExporter]:
    """Return the class that OpenTelemetry's SDK makes, without arguments, for an exporter of this name."""

    def made(_: type[_SpanExporter], **options: Any) -> _SpanExporter:
        try:
            return SpanExporter(name, **options)
        except ConfigurationError as error:
            if options:
                raise
            guard.once_a_minute(f"{name} exporter", "No span goes to %s: %s", name, error)
            return _Unconfigured()

    return type(name, (_SpanExporter,), {"__new__": made, "__doc__": f"Makes a `SpanExporter` for {name!r}."})


def __getattr__(name: str) -> type[_SpanExporter]:
    """Return the class for an exporter of this name, as the entry points in `opentelemetry_traces_exporter` ask."""
    if name.startswith("_") or name not in discover.known():
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _named(name)
