"""Keeps the words of calls: holds them while they pass, and writes them down behind the caller's back.

The words of a call are one more record, joined to it by its `call_id`, and the call's live span ends when they are on
it. A redactor that raises, or is so slow that the queue runs full, costs the words and never the call.
"""

from collections.abc import Callable

from opentelemetry.trace import Span

from spancast import guard
from spancast.call import Call
from spancast.capture.content.limit import Redact
from spancast.capture.content.words import Words
from spancast.content import Content
from spancast.scribe import Scribe
from spancast.trace import span as spans


class Listener:
    """One for a process. `keep` puts the words into the journal; without it they are on the live span alone."""

    def __init__(self, scribe: Scribe, keep: Callable[[Content], None] | None, redact: Redact | None = None) -> None:
        self._scribe = scribe
        self._keep = keep
        self._redact = redact

    def words(self, operation: str, request: bytes | None, secrets: tuple[str, ...]) -> Words:
        """Return what holds the words of a call while they pass."""
        return Words(operation, request, secrets)

    def write(self, call: Call, words: Words, span: Span | None) -> bool:
        """Leave the words to be written, and the span to be ended; return `False` where there is no room for that."""

        def work() -> None:
            content = Content(call_id=call.call_id)
            try:
                content = words.content(call.call_id, self._redact)
            except Exception:  # noqa: BLE001 - the redactor is the application's own
                guard.faults["content lost: it could not be read"] += 1
                guard.once_a_minute("content", "The words of a call are not kept.", exc_info=True)
            if self._keep is not None:
                self._keep(content)
            if span is not None:
                spans.end(span, call, content)

        if self._scribe.leave(work, words.size + len(words.request or b"")):
            return True
        guard.faults["content lost: too much waits"] += 1
        guard.once_a_minute("content queue", "The words of calls come faster than they can be written down.")
        return False
