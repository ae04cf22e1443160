"""User, session and tags on every span of a trace, since platforms read them span by span; and note of each span."""

from collections.abc import Callable
from itertools import islice

from opentelemetry.context import Context
from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor

from spancast.attribution import who
from spancast.attribution.attribution import Pseudonym
from spancast.base import guard
from spancast.capture.values import labels, text
from spancast.trace import names, nesting
from spancast.trace.companions import Companions


class Stamp(SpanProcessor):
    """Writes onto each span that starts whom it is for (`spancast.attribute`, baggage, defaults), and takes note of it.

    Before the application's exporters are flushed, or shut down, it has the spans ended that still wait for something.
    """

    active = True
    companions: Companions | None = None
    """Has the application's spans travel with the calls."""
    complete: Callable[[float], bool] | None = None
    """Ends them, within so many seconds; returns whether it could."""

    def on_start(self, span: Span, parent_context: Context | None = None) -> None:
        """Stamp a span that begins."""
        if not self.active:
            return
        try:
            nesting.notice(span)
            if (companions := self.companions) is not None:
                companions.family.begun(span)
            named = who.current(parent_context)
            _stamp(span, names.USER, named.user if type(named.user) is Pseudonym else text(named.user))
            _stamp(span, names.SESSION, text(named.session))
            for name, value in islice(labels(named.tags.items()).items(), TAGS):
                _stamp(span, names.TAG + name.replace(".", "_"), value)
        except Exception:  # noqa: BLE001 - the span is the application's
            guard.caught("trace.stamp")

    def on_end(self, span: ReadableSpan) -> None:
        """Look at a span that has ended."""
        companions = self.companions
        if self.active and companions is not None:
            with guard.quietly("trace.companions"):
                companions.ended(span)

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Have the spans ended that wait."""
        complete = self.complete
        if not self.active or complete is None:
            return True
        with guard.quietly("trace.flush"):
            return complete(timeout_millis / 1e3)
        return False

    def shutdown(self) -> None:
        """Have the spans ended that wait, while the exporters still take them."""
        self.force_flush(_SHUTDOWN)


TAGS = 16
"""Tags that a span is given: its limit is the application's, and what it says itself must not give way."""
_SHUTDOWN = 1_000
"""Milliseconds that a provider's shutdown may wait for it."""


def _stamp(span: Span, name: str, value: str | None) -> None:
    """Set what the span does not say itself: its own word, a request's say, is closer to the truth."""
    if value is not None and name not in (span.attributes or {}):
        span.set_attribute(name, value)
