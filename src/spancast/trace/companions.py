"""The application's own spans that travel with its calls: agents, tools, the requests that it serves.

A span is looked at when it ends, on the thread that ends it, and no longer than it takes to see whether any destination
wants its kind; what is kept of it is written down by a scribe. A span that carries one of our calls is that call's, and
travels as such.
"""

from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.trace import SpanContext, format_span_id, format_trace_id

from spancast import guard
from spancast.attribution.rules import without_user
from spancast.capture.values import text
from spancast.destination import Destination
from spancast.foreign import Foreign, Happening, Value
from spancast.resource import scalars
from spancast.scribe import Scribe
from spancast.scrub import names_secret, without_secrets
from spancast.trace import names
from spancast.trace.family import Family, is_genai, parent_of
from spancast.trace.nesting import is_carrier
from spancast.trace.span import SCOPE
from spancast.trace.spoken import SPOKEN_EVENTS, parted

TRACES = 1024
"""Traces that are known to hold a call, and traces of which it is not known yet."""
WAITING = 256
"""Spans of such a trace that wait for its first call."""


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
        self._scribe = Scribe("spancast-companions")
        self._called: OrderedDict[int, None] = OrderedDict()
        self._waiting: OrderedDict[int, list[Seen]] = OrderedDict()

    def called(self, trace_id: int) -> None:
        """Take note that a trace holds a call: the spans of it that have ended travel, and those that will."""
        if self._kinds.trace and trace_id not in self._called:
            _put(self._called, trace_id, None)
            for seen in self._waiting.pop(trace_id, []):
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
            elif context.trace_id in self._called:
                self._leave(seen, (*kinds.trace, *kinds.every))
            else:
                self._wait(context.trace_id, seen)

    def complete(self, timeout: float) -> bool:
        """Write down what is left; return whether all was within `timeout` seconds."""
        return self._scribe.drain(timeout)

    def _wait(self, trace_id: int, seen: "Seen") -> None:
        if self._kinds.every:
            self._leave(seen, self._kinds.every)
        if self._kinds.trace:
            waiting = self._waiting.get(trace_id)
            if waiting is None:
                waiting = []
                _put(self._waiting, trace_id, waiting)
            if len(waiting) < WAITING:
                waiting.append(seen)
            else:
                guard.faults["span lost: its trace has too many before its first call"] += 1

    def _leave(self, seen: "Seen", destinations: tuple[str, ...], again: str = "") -> None:
        """Have a span written down; `again` tells a second record of it, for other destinations, from the first."""
        if not self._scribe.leave(_Writing(seen, destinations, self._keep, self._words, again)):
            guard.faults["span lost: too much waits"] += 1


def _put(table: "OrderedDict[int, Any]", key: int, value: Any) -> None:
    table[key] = value
    if len(table) > TRACES:
        try:
            table.popitem(last=False)
        except KeyError:  # another thread has just taken the last
            return


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
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    scope = span.instrumentation_scope
    return Foreign(
        call_id=trace_id + span_id + again,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=None if parent is None else format_span_id(parent.span_id),
        genai_parent_span_id=None if seen.above is None else format_span_id(seen.above.span_id),
        is_genai=seen.genai,
        name=without_secrets(span.name),
        kind=span.kind.name.lower(),  # type: ignore[arg-type]  # OpenTelemetry's five kinds
        started_at=span.start_time or 0,
        ended_at=span.end_time or span.start_time or 0,
        status=span.status.status_code.name.lower(),  # type: ignore[arg-type]  # its three codes
        status_message=span.status.description and without_secrets(span.status.description),
        attributes=_kept(plain),
        words=_kept(spoken) if words else {},
        events=tuple(_happening(event, words=words) for event in span.events),
        user=text(plain.get(names.USER)),
        session=text(plain.get(names.SESSION)),
        scope=("", "") if scope is None else (scope.name, scope.version or ""),
        destinations=destinations,
        resource=scalars(span.resource.attributes),
    )


def _happening(event: Event, *, words: bool) -> Happening:
    plain, spoken = parted(event.attributes or {})
    if event.name.startswith(SPOKEN_EVENTS):
        plain, spoken = {}, {**plain, **spoken}
    return Happening(event.name, event.timestamp, _kept({**plain, **spoken} if words else plain))


def _kept(attributes: Mapping[str, Any]) -> dict[str, Value]:
    """Return attributes without what is a secret by its name, or looks like one."""
    return {key: _clean(value) for key, value in attributes.items() if not names_secret(key.rpartition(".")[2])}


def _clean(value: Any) -> Value:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, bool | int | float):
        return value
    return tuple(without_secrets(each) if isinstance(each, str) else each for each in value)
