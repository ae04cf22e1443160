"""The place of a call in the application's trace: a span of our own, another library's that carries it, or none."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from msgspec.structs import replace
from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Span, SpanContext, format_span_id, format_trace_id, get_current_span

from spancast.base import guard
from spancast.records.call import Call
from spancast.trace import nesting
from spancast.trace import span as spans
from spancast.trace.nesting import Carrier
from spancast.trace.tracing import Tracing

Listener = Callable[[Call], None]


class Place(Protocol):
    """The place of a call in the trace, which is notified while the call goes on."""

    @property
    def context(self) -> Context | None:
        """The context in which the call's own span is current; `None` if it has none."""
        ...

    @property
    def on_usage(self) -> Listener | None:
        """Called with the call when a stream states its usage."""
        ...

    def on_headers(self, call: Call) -> None:
        """Take the headers of the response."""
        ...

    def on_finish(self, call: Call) -> tuple[Call, Span | None]:
        """Return the call in its final place, and our span to be ended, if any."""
        ...


def place_call(call: Call, tracing: Tracing) -> tuple[Call, Place]:
    """Return a call that starts, with its place; without one if the application's tracing fails."""
    try:
        return _place(call, tracing)
    except Exception:  # noqa: BLE001 - the sampler, the ids and the processors are the application's
        guard.caught("trace.place")
        return call, _NOWHERE


def _place(call: Call, tracing: Tracing) -> tuple[Call, Place]:
    carrier = nesting.carrier(call)
    if carrier is not None:
        placed = _at_span(call, carrier.span.get_span_context(), carrier.above, tracing)
        return replace(placed, carried=True), _Carried(carrier, tracing, get_current())
    if not is_instrumentation_enabled():
        return call, _NOWHERE
    return _start_own(call, tracing, get_current(), nesting.library_beside(call))


@dataclass(frozen=True, slots=True)
class _Own:
    """A span of our own, or none."""

    span: Span | None = None
    context: Context | None = None
    on_usage: Listener | None = None

    def on_headers(self, call: Call) -> None:
        """Do nothing: the attributes are set when the span ends."""

    def on_finish(self, call: Call) -> tuple[Call, Span | None]:
        """Return our span."""
        return call, self.span


_NOWHERE = _Own()


@dataclass(frozen=True, slots=True)
class _Carried:
    """Another library's span."""

    carrier: Carrier
    tracing: Tracing
    parent: Context
    context: Context | None = None

    @property
    def on_usage(self) -> Listener:
        """Set attributes before the chunk is handed on, since the span may end right after it."""
        return self.carrier.update

    def on_headers(self, call: Call) -> None:
        """Set what the headers of a stream state."""
        if call.streamed:
            self.carrier.update(call)

    def on_finish(self, call: Call) -> tuple[Call, Span | None]:
        """Return a span of our own for a call that the carrier could not hold."""
        if not self.carrier.finish(call):
            with guard.quietly("trace.beside"):
                call, own = _start_own(call, self.tracing, self.parent, self.carrier.library)
                if self.tracing.app_spans is not None:
                    self.tracing.app_spans.on_uncarried_call(self.carrier.span)
                return call, own.span
        return call, None


def _start_own(call: Call, tracing: Tracing, parent: Context, beside: str | None) -> tuple[Call, _Own]:
    """Start a span of our own; return the call in it."""
    if beside is not None:
        call = replace(call, beside=beside, carried=False)
    above = get_current_span(parent).get_span_context()
    span, inside = spans.begin(tracing.last_tracer, call, parent, above)
    return _at_span(call, span.get_span_context(), above, tracing), _Own(span, inside)


def _at_span(call: Call, here: SpanContext, above: SpanContext | None, tracing: Tracing) -> Call:
    if not here.is_valid:
        return call
    app_spans, parent = tracing.app_spans, above if above is not None and above.is_valid else None
    genai_parent = None
    if app_spans is not None:
        app_spans.on_call(here.trace_id)
        genai_parent = None if parent is None else app_spans.live.nearest_genai(parent)
    return replace(
        call,
        trace_id=format_trace_id(here.trace_id),
        span_id=None if here is above else format_span_id(here.span_id),  # a tracer that makes none gives the parent's
        parent_span_id=None if parent is None else format_span_id(parent.span_id),
        genai_parent_span_id=None if genai_parent is None else format_span_id(genai_parent.span_id),
        sampled=here.trace_flags.sampled,
        resource=tracing.resource,
    )
