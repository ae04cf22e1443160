"""Work on a finished call in background threads: its content is stored, its event and metrics are recorded.

The content of a call is a record of its own, joined to it by `call_id`, and the call's live span ends once it has its
content. If a redactor raises, or is so slow that others wait for it, the content is lost but never the call: its span
ends without content.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from opentelemetry.trace import Span

from spancast.base import background, guard
from spancast.base.background import Background
from spancast.base.deadline import Deadline
from spancast.capture.content.buffer import ContentBuffer
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.redacted import Redact
from spancast.trace import span as spans
from spancast.trace.events import Events
from spancast.trace.metrics import Metrics

LATE_SECONDS = 5.0
"""How long a call waits for its content once another call has finished behind it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AftermathOptions:
    """What is done with finished calls."""

    capture_content: bool = False
    content_on_span: bool = True
    """Whether content is set on the span, not on the event alone."""
    redact: Redact | None = None
    metrics: Metrics | None = None
    events: Events | None = None


class Aftermath:
    """One per process. `store` writes content to the journal; without it, content is on the live span alone."""

    def __init__(self, options: AftermathOptions | None = None, store: Callable[[Content], None] | None = None) -> None:
        self._options = options or AftermathOptions()
        self._store = store
        self._content_work = Background("spancast-content")
        self._metrics_work = Background("spancast-metrics")

    def content_buffer(self, operation: str, request: bytes | None, secrets: tuple[str, ...]) -> ContentBuffer | None:
        """Return the buffer for the content of a call; `None` if content is not captured.

        A call that a redactor makes has none, since redacting it would make one more call.
        """
        if self._options.capture_content and not background.is_ours():
            return ContentBuffer(operation, request, secrets)
        return None

    def submit(self, call: Call, buffer: ContentBuffer | None, span: Span | None) -> bool:
        """Submit the work on a finished call; return whether that stores its content and ends its span."""
        metrics, events = self._options.metrics, self._options.events
        if metrics is not None and metrics.is_enabled() and not self._metrics_work.submit(_MetricsWork(metrics, call)):
            guard.count("metrics lost: too much waits")
        if buffer is None and (events is None or not events.is_enabled()):
            return False
        if self._content_work.is_overdue(LATE_SECONDS) and self._metrics_work.submit(_GiveUpWork(self._content_work)):
            guard.warn("slow redactor", _SLOW)
        if self._content_work.submit(_ContentWork(self._options, self._store, call, buffer, span)):
            return True
        if events is not None and events.is_enabled():
            guard.count("event lost: too much waits")
        if buffer is not None:
            guard.count("content lost: too much waits")
            guard.warn("content queue", _FULL)
        return False

    def drain(self, timeout: float) -> bool:
        """Wait until all work is done; return whether it was within `timeout` seconds."""
        deadline = Deadline(timeout)
        done = True
        for each in (self._content_work, self._metrics_work):
            done = each.drain(deadline.remaining) and done
        return done

    def give_up(self) -> None:
        """End the spans whose content is still being prepared without it."""
        self._content_work.give_up()


_SLOW = "Prompts and completions are not stored: reading them takes too long. Make the setting redact faster."
_FULL = (
    "Prompts and completions are not stored: they arrive faster than they can be read. Make the setting redact faster."
)


@dataclass(frozen=True, slots=True)
class _ContentWork:
    """Stores the content of a call, then emits its event and ends its span."""

    options: AftermathOptions
    store: Callable[[Content], None] | None
    call: Call
    buffer: ContentBuffer | None
    span: Span | None
    _open: list[bool] = field(default_factory=lambda: [True])
    """Empty once the event and the span are taken care of; popping is atomic."""

    @property
    def size(self) -> int:
        return 0 if self.buffer is None else self.buffer.size

    def run(self) -> None:
        content = None if self.buffer is None else _content(self.buffer, self.call, self.options.redact)
        self._store_content(content)
        if self._is_first():
            self._end(content)

    def skip(self) -> None:
        if self._is_first():
            if self.buffer is not None:
                guard.count("content lost: it took too long")
                self._store_content(Content(call_id=self.call.call_id))  # so that nothing waits for it
            self._end(None)

    def _store_content(self, content: Content | None) -> None:
        if content is not None and self.store is not None:
            with guard.quietly("aftermath.append"):
                self.store(content)

    def _is_first(self) -> bool:
        try:
            return self._open.pop()
        except IndexError:
            return False

    def _end(self, content: Content | None) -> None:
        try:
            if self.options.events is not None:
                self.options.events.emit(self.call, content)
        finally:
            if self.span is not None:
                spans.end(self.span, self.call, content if self.options.content_on_span else None)


@dataclass(frozen=True, slots=True)
class _MetricsWork:
    """Records the metrics of a call."""

    metrics: Metrics
    call: Call
    size: int = 0

    def run(self) -> None:
        self.metrics.record(self.call)

    def skip(self) -> None:
        """Do nothing: nothing waits for metrics."""


@dataclass(frozen=True, slots=True)
class _GiveUpWork:
    """Gives up the work of the other background thread that takes too long."""

    other: Background
    size: int = 0

    def run(self) -> None:
        self.other.give_up(LATE_SECONDS)

    def skip(self) -> None:
        """Do nothing: the next call that finishes checks again."""


def _content(buffer: ContentBuffer, call: Call, redact: Redact | None) -> Content:
    try:
        return buffer.content(call.call_id, redact)
    except BaseException as error:  # noqa: BLE001 - the redactor is the application's own, whatever it raises
        guard.count("content lost: it could not be read")
        kind = type(error)  # its message may quote the content
        guard.warn("content", "The content of a call is not stored: %s.%s.", kind.__module__, kind.__qualname__)
        return Content(call_id=call.call_id)
