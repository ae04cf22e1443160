"""Sets user, session and tags on every span, since platforms read them span by span, and registers each span."""

from collections.abc import Callable
from itertools import islice

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from spancast.attribution import resolution
from spancast.attribution.attribution import Pseudonym
from spancast.base import guard
from spancast.capture.values import labels, text
from spancast.semconv import names
from spancast.trace import nesting
from spancast.trace.app_spans import AppSpans


class Stamp(SpanProcessor):
    """Sets the attribution of each span that starts (`spancast.attribute`, baggage, defaults), and registers the span.

    Before the application's exporters are flushed or shut down, it ends the spans that still wait for something.
    """

    active = True
    app_spans: AppSpans | None = None
    """Exports the application's spans with its calls."""
    complete: Callable[[float], bool] | None = None
    """Ends the waiting spans within a timeout in seconds; returns whether it could."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Set the attribution of a span that starts."""
        if not self.active:
            return
        try:
            nesting.remember(span)
            if (app_spans := self.app_spans) is not None:
                app_spans.live.add(span)
            named = resolution.current(parent_context)
            _stamp(span, names.USER, named.user if type(named.user) is Pseudonym else text(named.user))
            _stamp(span, names.SESSION, text(named.session))
            for name, value in islice(labels(named.tags.items()).items(), MAX_TAGS):
                _stamp(span, names.TAG + name.replace(".", "_"), value)
        except Exception:  # noqa: BLE001 - the span is the application's
            guard.caught("trace.stamp")

    def on_end(self, span: ReadableSpan) -> None:
        """Pass on a span that has ended."""
        app_spans = self.app_spans
        if self.active and app_spans is not None:
            with guard.quietly("trace.app_spans"):
                app_spans.on_end(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """End the waiting spans."""
        complete = self.complete
        if not self.active or complete is None:
            return True
        with guard.quietly("trace.flush"):
            return complete(timeout_millis / 1e3)
        return False

    def shutdown(self) -> None:
        """End the waiting spans while the exporters still accept them."""
        self.force_flush(_SHUTDOWN_MILLIS)


MAX_TAGS = 16
"""Tags that are set on a span; the SDK drops the span's own attributes beyond its limit."""
_SHUTDOWN_MILLIS = 1_000
"""How long a provider's shutdown may wait."""


def _stamp(span: Span, name: str, value: str | None) -> None:
    """Set an attribute that the span does not have: its own, from a request for instance, is more accurate."""
    if value is not None and name not in (span.attributes or {}):
        span.set_attribute(name, value)
