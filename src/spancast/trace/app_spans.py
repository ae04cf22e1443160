"""The application's own spans that are exported with its calls: agents, tools, the requests that it serves.

The thread that ends a span only finds out whether any destination takes its kind; the span is stored in the background.
A span that carries one of our calls is exported as that call. One that was to carry a call, but ended too early, has
our span under it: it is exported as part of whole traces, but not to destinations of GenAI spans alone, for which our
span is the call.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanContext, format_span_id, format_trace_id

from spancast.attribution.rules import pseudonymized_values
from spancast.base import guard
from spancast.base.background import Background
from spancast.capture.values import text
from spancast.destinations.destination import Destination
from spancast.records.app_span import AppSpan
from spancast.records.resource import scalars
from spancast.semconv import names
from spancast.semconv.content import EXCEPTION_MESSAGE, split_content, without_exception_message
from spancast.spans.scope import SCOPE
from spancast.trace.ancestry import LiveSpans, is_genai, parent_of
from spancast.trace.nesting import is_carrier
from spancast.trace.pending import Pending
from spancast.trace.sanitizing import Sanitizer


@dataclass(frozen=True, slots=True)
class _Takers:
    """The names of the destinations that take spans of each kind."""

    genai: tuple[str, ...]
    trace: tuple[str, ...]
    all: tuple[str, ...]

    @classmethod
    def of(cls, destinations: Sequence[Destination]) -> "_Takers":
        def taking(*rules: str) -> tuple[str, ...]:
            return tuple(each.name for each in destinations if each.spans in rules)

        return cls(taking("genai", "trace", "all"), taking("trace"), taking("all"))


class AppSpans:
    """Stores the spans that destinations take. Thread-safe; nothing it does raises into the application's tracing."""

    def __init__(self, destinations: Sequence[Destination], store: Callable[[AppSpan], None], *, content: bool) -> None:
        """Write what these destinations take to the journal by `store`, with prompts and completions if `content`."""
        self.live = LiveSpans()
        self._takers = _Takers.of(destinations)
        self._store = store
        self._content = content
        self._background = Background("spancast-companions")
        self._pending: Pending[EndedSpan] = Pending()

    def on_call(self, trace_id: int) -> None:
        """Mark a trace as one with a call: its spans are exported, those that have ended and those that will."""
        if self._takers.trace:
            for ended in self._pending.on_call(trace_id):
                self._submit(ended, self._takers.trace, "trace")

    def on_end(self, span: ReadableSpan) -> None:
        """Take a span that has ended."""
        context, takers = span.context, self._takers
        if not takers.genai or context is None or not context.trace_flags.sampled or _is_ours(span):
            return
        if is_carrier(context.span_id):
            return
        genai = is_genai(span.attributes or {})
        if genai or takers.trace or takers.all:
            ended = EndedSpan(span, context, genai, self.live.nearest_genai(parent_of(span)))
            if genai:
                self._submit(ended, takers.genai)
            elif takers.trace and self._pending.has_call(context.trace_id):
                self._submit(ended, (*takers.trace, *takers.all))
            else:
                self._wait(ended)

    def on_uncarried_call(self, span: object) -> None:
        """Take a span that ended before it could carry a call, whose own span is under it."""
        destinations = (*self._takers.trace, *self._takers.all)
        if not destinations or not isinstance(span, ReadableSpan) or span.context is None or span.end_time is None:
            return
        if span.context.trace_flags.sampled:
            genai_parent = self.live.nearest_genai(parent_of(span))
            ended = EndedSpan(span, span.context, is_genai(span.attributes or {}), genai_parent)
            self._submit(ended, destinations)

    def complete(self, timeout: float) -> bool:
        """Store the spans that are submitted; return whether all were within `timeout` seconds."""
        return self._background.drain(timeout)

    def _wait(self, ended: "EndedSpan") -> None:
        if self._takers.all:
            self._submit(ended, self._takers.all)
        if self._takers.trace:
            parent = parent_of(ended.span)
            root = parent is None or parent.is_remote
            if not self._pending.wait(ended.context.trace_id, ended, root=root):
                self._submit(ended, self._takers.trace, "trace")  # its trace has had a call meanwhile

    def _submit(self, ended: "EndedSpan", destinations: tuple[str, ...], suffix: str = "") -> None:
        """Store a span in the background; `suffix` distinguishes a second record of it, for other destinations."""
        if not self._background.submit(_StoreWork(ended, destinations, self._store, self._content, suffix)):
            guard.count("span lost: too much waits")


def _is_ours(span: ReadableSpan) -> bool:
    return span.instrumentation_scope is not None and span.instrumentation_scope.name == SCOPE


@dataclass(frozen=True, slots=True)
class EndedSpan:
    """A span that has ended."""

    span: ReadableSpan
    context: SpanContext
    is_genai: bool
    genai_parent: SpanContext | None
    """The nearest GenAI span above it."""


@dataclass(frozen=True, slots=True)
class _StoreWork:
    """Stores a span."""

    ended: EndedSpan
    destinations: tuple[str, ...]
    store: Callable[[AppSpan], None]
    content: bool
    suffix: str
    size: int = 2048
    """About the bytes of a span; the SDK's limits bound it."""

    def run(self) -> None:
        self.store(to_app_span(self.ended, self.destinations, content=self.content, suffix=self.suffix))

    def skip(self) -> None:
        """Do nothing: nothing here takes long enough to be skipped."""


def to_app_span(ended: EndedSpan, destinations: tuple[str, ...], *, content: bool, suffix: str = "") -> AppSpan:
    """Return the record of a span, with prompts and completions only if `content` is set."""
    span, context = ended.span, ended.context
    parent = parent_of(span)
    plain, content_attributes = split_content(span.attributes or {})
    plain = dict(pseudonymized_values(plain))
    sanitizer = Sanitizer(content=content)
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    library = span.instrumentation_scope
    scope = ("", "") if library is None else (sanitizer.text(library.name), sanitizer.text(library.version or ""))
    record = AppSpan(
        call_id=trace_id + span_id + suffix,
        trace_id=trace_id,
        span_id=span_id,
        parent_span_id=None if parent is None else format_span_id(parent.span_id),
        genai_parent_span_id=None if ended.genai_parent is None else format_span_id(ended.genai_parent.span_id),
        is_genai=ended.is_genai,
        name=sanitizer.text(span.name),
        kind=span.kind.name.lower(),  # type: ignore[arg-type]  # OpenTelemetry's five kinds
        started_at=span.start_time or 0,
        ended_at=span.end_time or span.start_time or 0,
        status=span.status.status_code.name.lower(),  # type: ignore[arg-type]  # its three codes
        status_message=sanitizer.text(message) if (message := _status_message(span, content=content)) else None,
        attributes=sanitizer.attributes(plain),
        content_attributes=sanitizer.content(content_attributes),
        events=tuple(map(sanitizer.event, span.events)),
        user=text(plain.get(names.USER)),
        session=text(plain.get(names.SESSION)),
        scope=scope,
        destinations=destinations,
        resource=scalars(span.resource.attributes),
    )
    sanitizer.count_changes()
    return record


def _status_message(span: ReadableSpan, *, content: bool) -> str | None:
    """Return a span's status description, without exception messages, which may quote content, unless it is kept."""
    message = span.status.description
    for event in () if content else span.events:
        message = without_exception_message(message, (event.attributes or {}).get(EXCEPTION_MESSAGE))
    return message
