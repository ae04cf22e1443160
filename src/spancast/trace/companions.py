"""The application's own spans that travel with its calls: agents, tools, the requests that it serves.

A span is looked at when it ends, on the thread that ends it, and no longer than it takes to see whether any destination
wants its kind; what is kept of it is written down in the background. A span that carries one of our calls is that
call's, and travels as such. One that was to carry a call, and ended too early, has ours under it: it travels in whole
traces, and not where GenAI spans alone are wanted, for which ours is that call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, format_span_id, format_trace_id

from spancast.attribution.rules import without_user
from spancast.base import guard
from spancast.base.background import Background
from spancast.capture.values import text
from spancast.destinations.destination import Destination
from spancast.records.foreign import Foreign
from spancast.records.resource import scalars
from spancast.trace import names
from spancast.trace.family import Family, is_genai, parent_of
from spancast.trace.keeper import Keeper
from spancast.trace.nesting import is_carrier
from spancast.trace.pending import Pending
from spancast.trace.span import SCOPE
from spancast.trace.spoken import MESSAGE, parted, without_message


@dataclass(frozen=True, slots=True)
class _Kinds:
    """The names of the destinations that take spans of a kind."""

    genai: tuple[str, ...]
    trace: tuple[str, ...]
    every: tuple[str, ...]

    @classmethod
    def of(cls, destinations: Sequence[Destination]) -> "_Kinds":
        def taking(*rules: str) -> tuple[str, ...]:
            return tuple(each.name for each in destinations if each.spans in rules)

        return cls(taking("genai", "trace", "all"), taking("trace"), taking("all"))


class Companions:
    """From any thread. Nothing it does raises into the application's tracing."""

    def __init__(self, destinations: Sequence[Destination], keep: Callable[[Foreign], None], *, words: bool) -> None:
        """Have `keep` put into the journal what these destinations take; `words` says whether content is kept."""
        self.family = Family()
        self._kinds = _Kinds.of(destinations)
        self._keep = keep
        self._words = words
        self._background = Background("spancast-companions")
        self._pending: Pending[Seen] = Pending()

    def called(self, trace_id: int) -> None:
        """Take note that a trace holds a call: the spans of it that have ended travel, and those that will."""
        if self._kinds.trace:
            for seen in self._pending.called(trace_id):
                self._leave(seen, self._kinds.trace, "trace")

    def ended(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        context, kinds = span.context, self._kinds
        if not kinds.genai or context is None or not context.trace_flags.sampled or _is_ours(span):
            return
        if is_carrier(context.span_id):
            return
        genai = is_genai(span.attributes or {})
        if genai or kinds.trace or kinds.every:
            seen = Seen(span, context, genai, self.family.genai_above(parent_of(span)))
            if genai:
                self._leave(seen, kinds.genai)
            elif kinds.trace and self._pending.has_call(context.trace_id):
                self._leave(seen, (*kinds.trace, *kinds.every))
            else:
                self._wait(seen)

    def under(self, span: object) -> None:
        """Take a span that has ended, under which there is a call that it was to carry."""
        wanted = (*self._kinds.trace, *self._kinds.every)
        if not wanted or not isinstance(span, ReadableSpan) or span.context is None or span.end_time is None:
            return
        if span.context.trace_flags.sampled:
            above = self.family.genai_above(parent_of(span))
            self._leave(Seen(span, span.context, is_genai(span.attributes or {}), above), wanted)

    def complete(self, timeout: float) -> bool:
        """Write down what is left; return whether all was within `timeout` seconds."""
        return self._background.drain(timeout)

    def _wait(self, seen: "Seen") -> None:
        if self._kinds.every:
            self._leave(seen, self._kinds.every)
        if self._kinds.trace:
            parent = parent_of(seen.span)
            root = parent is None or parent.is_remote
            if not self._pending.wait(seen.context.trace_id, seen, root=root):
                self._leave(seen, self._kinds.trace, "trace")  # the call has come meanwhile

    def _leave(self, seen: "Seen", destinations: tuple[str, ...], again: str = "") -> None:
        """Have a span written down; `again` tells a second record of it, for other destinations, from the first."""
        if not self._background.leave(_Writing(seen, destinations, self._keep, self._words, again)):
            guard.count("span lost: too much waits")


def _is_ours(span: ReadableSpan) -> bool:
    return span.instrumentation_scope is not None and span.instrumentation_scope.name == SCOPE


@dataclass(frozen=True, slots=True)
class Seen:
    """A span that has ended, and what is known of those above it."""

    span: ReadableSpan
    context: SpanContext
    genai: bool
    above: SpanContext | None


@dataclass(frozen=True, slots=True)
class _Writing:
    """A span to be written down."""

    seen: Seen
    destinations: tuple[str, ...]
    keep: Callable[[Foreign], None]
    words: bool
    again: str
    size: int = 2048
    """About what a span holds; the SDK's limits bound it."""

    def do(self) -> None:
        self.keep(foreign(self.seen, self.destinations, words=self.words, again=self.again))

    def skip(self) -> None:
        """Nothing that may take long is done of it."""


def foreign(seen: Seen, destinations: tuple[str, ...], *, words: bool, again: str = "") -> Foreign:
    """Return what is kept of a span; its words only where they are asked for."""
    span, context = seen.span, seen.context
    parent = parent_of(span)
    plain, spoken = parted(span.attributes or {})
    plain = dict(without_user(plain))
    keeper = Keeper(words=words)
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    made_by = span.instrumentation_scope
    scope = ("", "") if made_by is None else (keeper.text(made_by.name), keeper.text(made_by.version or ""))
    kept = Foreign(
        call_id=trace_id + span_id + again,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=None if parent is None else format_span_id(parent.span_id),
        genai_parent_span_id=None if seen.above is None else format_span_id(seen.above.span_id),
        is_genai=seen.genai,
        name=keeper.text(span.name),
        kind=span.kind.name.lower(),  # type: ignore[arg-type]  # OpenTelemetry's five kinds
        started_at=span.start_time or 0,
        ended_at=span.end_time or span.start_time or 0,
        status=span.status.status_code.name.lower(),  # type: ignore[arg-type]  # its three codes
        status_message=keeper.text(why) if (why := _why(span, words=words)) else None,
        attributes=keeper.attributes(plain),
        words=keeper.words(spoken),
        events=tuple(map(keeper.happening, span.events)),
        user=text(plain.get(names.USER)),
        session=text(plain.get(names.SESSION)),
        scope=scope,
        destinations=destinations,
        resource=scalars(span.resource.attributes),
    )
    keeper.done()
    return kept


def _why(span: ReadableSpan, *, words: bool) -> str | None:
    """Return how a span has failed."""
    why = span.status.description
    for event in () if words else span.events:
        why = without_message(why, (event.attributes or {}).get(MESSAGE))
    return why
