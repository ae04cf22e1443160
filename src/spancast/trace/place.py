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
    """Where a call is, and what is told there while it goes on."""

    @property
    def context(self) -> Context | None:
        """The context in which the call's own span is the current one; `None` where it has none."""
        ...

    @property
    def on_usage(self) -> Listener | None:
        """What is to be told the call when the usage of a stream passes."""
        ...

    def opened(self, call: Call) -> None:
        """Take note of the headers of the answer."""
        ...

    def finished(self, call: Call) -> tuple[Call, Span | None]:
        """Return the call in its last place, and the span of ours that is to be ended."""
        ...


def placed(call: Call, tracing: Tracing) -> tuple[Call, Place]:
    """Find the place of a call that begins; return it there, or nowhere when the application's tracing fails."""
    try:
        return _found(call, tracing)
    except Exception:  # noqa: BLE001 - the sampler, the ids and the processors are the application's
        guard.caught("trace.place")
        return call, _NOWHERE


def _found(call: Call, tracing: Tracing) -> tuple[Call, Place]:
    carrier = nesting.carrier(call)
    if carrier is not None:
        told = _at(call, carrier.span.get_span_context(), carrier.above, tracing)
        return replace(told, carried=True), _Carried(carrier, tracing, get_current())
    if not is_instrumentation_enabled():
        return call, _NOWHERE
    return _begun(call, tracing, get_current(), nesting.witness(call))


@dataclass(frozen=True, slots=True)
class _Own:
    """A span of our own, or none where there shall be none."""

    span: Span | None = None
    context: Context | None = None
    on_usage: Listener | None = None

    def opened(self, call: Call) -> None:
        """Take note of nothing: the span is told at its end."""

    def finished(self, call: Call) -> tuple[Call, Span | None]:
        """Return the span to be ended."""
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
        """Tell the span before the chunk is handed on, behind which it may end."""
        return self.carrier.tell

    def opened(self, call: Call) -> None:
        """Tell the span of a stream what the headers say."""
        if call.streamed:
            self.carrier.tell(call)

    def finished(self, call: Call) -> tuple[Call, Span | None]:
        """Return a span of our own for a call that theirs could not carry."""
        if not self.carrier.carries(call):
            with guard.quietly("trace.beside"):
                call, own = _begun(call, self.tracing, self.parent, self.carrier.library)
                if self.tracing.companions is not None:
                    self.tracing.companions.under(self.carrier.span)
                return call, own.span
        return call, None


def _begun(call: Call, tracing: Tracing, parent: Context, beside: str | None) -> tuple[Call, _Own]:
    """Begin a span of our own; return the call in it."""
    if beside is not None:
        call = replace(call, beside=beside, carried=False)
    above = get_current_span(parent).get_span_context()
    span, inside = spans.begin(tracing.last_tracer, call, parent, above)
    return _at(call, span.get_span_context(), above, tracing), _Own(span, inside)


def _at(call: Call, here: SpanContext, above: SpanContext | None, tracing: Tracing) -> Call:
    if not here.is_valid:
        return call
    companions, parent = tracing.companions, above if above is not None and above.is_valid else None
    near = None
    if companions is not None:
        companions.called(here.trace_id)
        near = None if parent is None else companions.family.genai_above(parent)
    return replace(
        call,
        trace_id=format_trace_id(here.trace_id),
        span_id=None if here is above else format_span_id(here.span_id),  # a tracer that makes none gives the parent's
        parent_span_id=None if parent is None else format_span_id(parent.span_id),
        genai_parent_span_id=None if near is None else format_span_id(near.span_id),
        sampled=here.trace_flags.sampled,
        resource=tracing.resource,
    )
