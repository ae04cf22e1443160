"""What is done of a finished call behind the caller's back: its words are written, its event and metrics recorded.

The words of a call are one more record, joined to it by its `call_id`, and the call's live span ends when they are on
it. A redactor that raises, or is so slow that the queue runs full, costs the words and never the call.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from opentelemetry.trace import Span

from spancast import guard
from spancast.call import Call
from spancast.capture.content.limit import Redact
from spancast.capture.content.words import Words
from spancast.content import Content
from spancast.scribe import Scribe
from spancast.trace import span as spans
from spancast.trace.events import Events
from spancast.trace.metrics import Metrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What of it is wanted."""

    words: bool = False
    words_on_span: bool = True
    """Whether the words are for the span too, not for the event alone."""
    redact: Redact | None = None
    metrics: Metrics | None = None
    events: Events | None = None


class Aftermath:
    """One for a process. `keep` puts the words into the journal; without it they are on the live span alone."""

    def __init__(self, wishes: Wishes, keep: Callable[[Content], None] | None = None) -> None:
        self._wishes = wishes
        self._keep = keep
        self._writing = Scribe("spancast-content")
        self._counting = Scribe("spancast-metrics")

    def words(self, operation: str, request: bytes | None, secrets: tuple[str, ...]) -> Words | None:
        """Return what holds the words of a call while they pass; `None` where they are not wanted."""
        return Words(operation, request, secrets) if self._wishes.words else None

    def take(self, call: Call, words: Words | None, span: Span | None) -> bool:
        """Leave to be done what is wanted; return whether the words are kept, and the span ended, by that."""
        metrics = self._wishes.metrics
        if metrics is not None and metrics.wanted() and not self._counting.leave(partial(metrics.record, call)):
            guard.faults["metrics lost: too much waits"] += 1
        if words is None and self._wishes.events is None:
            return False
        size = 0 if words is None else words.size + len(words.request or b"")
        if self._writing.leave(partial(self._write, call, words, span), size):
            return True
        guard.faults["content lost: too much waits"] += 1
        guard.once_a_minute("content queue", "The words of calls come faster than they can be written down.")
        return False

    def drain(self, timeout: float) -> bool:
        """Wait until all is done; return whether it was within `timeout` seconds."""
        return self._writing.drain(timeout) and self._counting.drain(timeout)

    def _write(self, call: Call, words: Words | None, span: Span | None) -> None:
        content = None if words is None else self._content(call, words)
        if content is not None and self._keep is not None:
            self._keep(content)
        try:
            if self._wishes.events is not None:
                self._wishes.events.emit(call, content)
        finally:
            if span is not None:
                spans.end(span, call, content if self._wishes.words_on_span else None)

    def _content(self, call: Call, words: Words) -> Content:
        try:
            return words.content(call.call_id, self._wishes.redact)
        except Exception:  # noqa: BLE001 - the redactor is the application's own
            guard.faults["content lost: it could not be read"] += 1
            guard.once_a_minute("content", "The words of a call are not kept.", exc_info=True)
            return Content(call_id=call.call_id)
