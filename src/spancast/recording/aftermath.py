"""What is done of a finished call behind the caller's back: its words are written, its event and metrics recorded.

The words of a call are one more record, joined to it by its `call_id`, and the call's live span ends when they are on
it. A redactor that raises, or is so slow that others wait for it, costs the words and never the call: its span ends
without them.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

from opentelemetry.trace import Span

from spancast.base import background, guard
from spancast.base.background import Background
from spancast.base.deadline import Deadline
from spancast.capture.content.limit import Redact
from spancast.capture.content.words import Words
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.trace import span as spans
from spancast.trace.events import Events
from spancast.trace.metrics import Metrics

PATIENCE = 5.0
"""Seconds that a call waits for its words, once another one has finished behind it."""


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
        self._writing = Background("spancast-content")
        self._counting = Background("spancast-metrics")

    def words(self, operation: str, request: bytes | None, secrets: tuple[str, ...]) -> Words | None:
        """Return what holds the words of a call while they pass; `None` where they are not wanted.

        A call that a redactor makes has none: it would be redacted by one more call.
        """
        return Words(operation, request, secrets) if self._wishes.words and not background.is_here() else None

    def take(self, call: Call, words: Words | None, span: Span | None) -> bool:
        """Leave to be done what is wanted; return whether the words are kept, and the span ended, by that."""
        metrics, events = self._wishes.metrics, self._wishes.events
        if metrics is not None and metrics.wanted() and not self._counting.leave(_Counting(metrics, call)):
            guard.count("metrics lost: too much waits")
        if words is None and (events is None or not events.wanted()):
            return False
        if self._writing.is_late(PATIENCE) and self._counting.leave(_Hurrying(self._writing)):
            guard.once_a_minute("slow redactor", _SLOW)
        if self._writing.leave(_Writing(self._wishes, self._keep, call, words, span)):
            return True
        if events is not None and events.wanted():
            guard.count("event lost: too much waits")
        if words is not None:
            guard.count("content lost: too much waits")
            guard.once_a_minute("content queue", _FULL)
        return False

    def drain(self, timeout: float) -> bool:
        """Wait until all is done; return whether it was within `timeout` seconds."""
        deadline = Deadline(timeout)
        done = True
        for each in (self._writing, self._counting):
            done = each.drain(deadline.left) and done
        return done

    def give_up(self) -> None:
        """End the spans of the calls whose words are not written yet without them."""
        self._writing.give_up()


_SLOW = "Prompts and completions are not kept: to read them takes too long. Make the setting redact quicker."
_FULL = "Prompts and completions are not kept: they come faster than they can be read. Make the setting redact quicker."


@dataclass(frozen=True, slots=True)
class _Writing:
    """A call whose words are to be written, and whose event and span wait for them."""

    wishes: Wishes
    keep: Callable[[Content], None] | None
    call: Call
    words: Words | None
    span: Span | None
    _open: list[bool] = field(default_factory=lambda: [True])

    @property
    def size(self) -> int:
        return 0 if self.words is None else self.words.size

    def do(self) -> None:
        content = None if self.words is None else _content(self.words, self.call, self.wishes.redact)
        self._write(content)
        if self._is_first():
            self._end(content)

    def skip(self) -> None:
        if self._is_first():
            if self.words is not None:
                guard.count("content lost: it took too long")
                self._write(Content(call_id=self.call.call_id))  # so that nobody waits for it
            self._end(None)

    def _write(self, content: Content | None) -> None:
        if content is not None and self.keep is not None:
            with guard.quietly("aftermath.keep"):
                self.keep(content)

    def _is_first(self) -> bool:
        try:
            return self._open.pop()
        except IndexError:
            return False

    def _end(self, content: Content | None) -> None:
        try:
            if self.wishes.events is not None:
                self.wishes.events.emit(self.call, content)
        finally:
            if self.span is not None:
                spans.end(self.span, self.call, content if self.wishes.words_on_span else None)


@dataclass(frozen=True, slots=True)
class _Counting:
    """A call to be recorded in the metrics."""

    metrics: Metrics
    call: Call
    size: int = 0

    def do(self) -> None:
        self.metrics.record(self.call)

    def skip(self) -> None:
        """Nothing waits for it."""


@dataclass(frozen=True, slots=True)
class _Hurrying:
    """The work in the other background thread that takes too long."""

    other: Background
    size: int = 0

    def do(self) -> None:
        self.other.give_up(PATIENCE)

    def skip(self) -> None:
        """The next call that finishes looks again."""


def _content(words: Words, call: Call, redact: Redact | None) -> Content:
    try:
        return words.content(call.call_id, redact)
    except BaseException as error:  # noqa: BLE001 - the redactor is the application's own, whatever it raises
        guard.count("content lost: it could not be read")
        kind = type(error)  # what it says may be the very words
        guard.once_a_minute("content", "The words of a call are not kept: %s.%s.", kind.__module__, kind.__qualname__)
        return Content(call_id=call.call_id)
