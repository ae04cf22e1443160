"""One HTTP exchange in progress: fed with what passes, finished exactly once, with a Call as its result."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from spancast.base import guard
from spancast.base.http_status import FIRST_NOT_SUCCESS
from spancast.capture.body.content_encoding import decoder
from spancast.capture.body.reader import OpaqueReader, PlainReader, Reader, StreamReader
from spancast.capture.dialects.dialect import Dialect
from spancast.capture.failure import exception_facts, failure_facts, key_hash, safe_excerpt, secrets_of
from spancast.capture.headers import header_facts
from spancast.capture.reading import Reading
from spancast.capture.scrubbing import without_echo
from spancast.capture.values import Facts
from spancast.records.call import Call, Outcome

if TYPE_CHECKING:
    from spancast.capture.content.buffer import ContentBuffer

Listener = Callable[[Call], None]
"""Receives a Call; it must not raise."""


class Exchange:
    """One exchange. Its methods never raise, may be called from any thread, and do nothing once it is finished."""

    __slots__ = (
        "_base",
        "_began",
        "_dialect",
        "_facts",
        "_on_finish",
        "_on_headers",
        "_open",
        "_reader",
        "_secrets",
        "_user",
        "content_buffer",
        "context",
        "feed",
        "on_usage",
        "replacement_body",
        "request_body",
    )

    def __init__(  # noqa: PLR0913 - what is known of a request, and its listeners
        self,
        base: Call,
        dialect: Dialect,
        on_headers: Listener,
        on_finish: Listener,
        secrets: Sequence[str] = (),
        *,
        user: str | None = None,
        context: object = None,
        request_body: bytes | None = None,
        replacement_body: bytes | None = None,
        content_buffer: "ContentBuffer | None" = None,
        on_usage: Listener | None = None,
    ) -> None:
        """Open an exchange. `base` is what the request states; `secrets` are removed from what its answer states.

        So is `user`, where the user is pseudonymised.
        """
        self._dialect = dialect
        self.context = context
        """The context in which the request is sent."""
        self.request_body = request_body
        """The body of the application's request, until it is sent."""
        self.on_usage = on_usage
        """Called with what is known as soon as a stream has stated its usage, before that chunk is passed on."""
        self.replacement_body = replacement_body
        """The body to send in place of the application's."""
        self.content_buffer = content_buffer
        """Buffers the content that passes, where content is captured."""
        self._secrets = secrets
        self._user = user
        self._base = base
        self._began = time.perf_counter_ns()
        self._on_headers = on_headers
        self._on_finish = on_finish
        self._facts: dict[str, Any] = {}
        self._reader: Reader | None = None
        self._open = [True]
        self.feed: Callable[[bytes], None] = _ignore_chunk
        """Reads a chunk of the body as the network brought it, and never raises. To be looked up after `headers`."""

    def request_sent(self, headers: Mapping[str, str]) -> None:
        """Read the headers of the request as they were sent, names in lower case, before those of the answer.

        The client's own `auth`, a hook of the application or a transport may have added a credential.
        """
        try:
            found = secrets_of(headers)
            if not set(found) <= set(self._secrets):
                self._secrets = (*found, *self._secrets)
                self._base = msgspec.structs.replace(self._base, key_hash=key_hash(headers) or self._base.key_hash)
                if self.content_buffer is not None:
                    self.content_buffer.secrets = tuple(self._secrets)
        except Exception:  # noqa: BLE001 - whatever was sent, the caller gets its response
            guard.caught("capture.sent")

    def headers(self, status: int, headers: Mapping[str, str]) -> bool:
        """Read the status and headers (names in any case); return whether the body is a stream of events."""
        try:
            return self._headers(status, headers)
        except Exception:  # noqa: BLE001 - whatever came, the caller gets its response
            guard.caught("capture.headers")
            return False

    def _headers(self, status: int, headers: Mapping[str, str]) -> bool:
        kind = headers.get("content-type", "").lower()
        stream = kind.startswith("text/event-stream")
        self._reader = self._reader_of(status, kind)
        self.feed = self._decoding(headers.get("content-encoding", ""), self._watching_for_usage(self._reader))
        if self.content_buffer is not None:
            append = self.content_buffer.start(status, headers.get("content-encoding", ""), streamed=stream)
            self.feed = _both(append, self.feed)
        self._facts["http_status"] = status
        self._facts["time_to_headers"] = time.perf_counter_ns() - self._began
        if stream:
            self._facts["streamed"] = True
        self._facts.update(without_echo(header_facts(headers), self._secrets))
        self._on_headers(msgspec.structs.replace(self._base, **self._facts))
        return stream

    def _reader_of(self, status: int, kind: str) -> Reader:
        if kind.startswith("text/event-stream"):
            return StreamReader(self._dialect, self._complete)
        if self._dialect.opaque and status < FIRST_NOT_SUCCESS and "json" not in kind:
            return OpaqueReader()
        return PlainReader(self._dialect)

    @property
    def may_batch(self) -> bool:
        """Whether chunks of the body may be collected and fed together, since nobody waits for what they state."""
        reader = self._reader
        return self.on_usage is None and reader is not None and reader.first_token_at is not None

    def body(self, body: bytes) -> None:
        """Read the whole body, decoded, and finish."""
        try:
            if isinstance(self._reader, PlainReader):
                self._reader.set_body(body)
            elif self._reader is not None:
                self._reader.feed(body)
            if self.content_buffer is not None:
                self.content_buffer.set_body(body)
        except Exception:  # noqa: BLE001 - the body is the caller's, whatever we make of it
            guard.caught("capture.body")
        finally:
            self.finish("completed")

    def close(self) -> None:
        """Finish an answer that the application closed early; the exception being handled, if any, is the reason."""
        reason = sys.exception()
        if reason is None or isinstance(reason, Exception):
            self.finish("closed")
        else:
            self.fail(reason)

    def fail(self, error: BaseException) -> None:
        """Finish with what the client library raised, or what was thrown into it."""
        if isinstance(error, Exception):
            self.finish("error", error)
        else:
            self.finish("abandoned" if isinstance(error, GeneratorExit) else "cancelled")

    def finish(self, outcome: Outcome, error: BaseException | None = None) -> None:
        """Finish the exchange; only the first time counts."""
        try:
            self._open.pop()
        except IndexError:
            return
        call = None
        try:
            call = self._result(outcome, error)
        except Exception:  # noqa: BLE001 - a call is booked even when its answer cannot be read
            guard.caught("capture.finish")
        finally:
            self._notify(msgspec.structs.replace(self._base, outcome=outcome) if call is None else call)

    def _notify(self, call: Call) -> None:
        """Pass the call to the listener, once."""
        self._reader = None
        self.feed = _ignore_chunk  # breaks the cycle of reader and exchange, which the garbage collector would have to
        # The listener refers to the content, which must not live as long as the application keeps its response.
        notify, self._on_finish, self.content_buffer = self._on_finish, _ignore_call, None
        try:
            notify(call)
        except Exception:  # noqa: BLE001 - whatever the listener does, the application reads on
            guard.caught("capture.on_finish")

    def _result(self, outcome: Outcome, error: BaseException | None) -> Call:
        reader = self._reader
        reading = Reading() if reader is None else reader.end()
        if reading.is_finished or (reader is not None and reader.done):  # whatever came after the end of the answer
            outcome, error = "completed", None
        facts = self._stated(reading)
        failure = self._failure(reading, outcome, error)
        if failure or "error_type" in facts:
            facts.update(failure)
            facts.update(self._safe_to_store(facts))
            outcome = "error"
        if facts.get("cache_hit"):  # free, even where no usage states that (OpenRouter docs, response headers)
            facts.setdefault("cost", _NOTHING)
        if facts.get("cost") is not None:
            facts["cost_source"] = "response"
        if reader is not None and reader.first_token_at is not None:
            facts["time_to_first_token"] = reader.first_token_at - self._began
        duration = time.perf_counter_ns() - self._began
        return msgspec.structs.replace(self._base, outcome=outcome, duration=duration, **facts)

    def _stated(self, reading: Reading) -> Facts:
        """Return what the headers and the answer state; of two providers that of the answer, which is more exact."""
        stated = reading.facts()
        provider = stated.get("provider")
        stated.update(self._facts)
        if provider is not None:
            stated["provider"] = provider
        return without_echo(stated, self._secrets)

    def _failure(self, reading: Reading, outcome: Outcome, error: BaseException | None) -> Facts:
        """Return the failure that the body, the status or the client library states; empty where there is none."""
        reader, status, stated = self._reader, self._facts.get("http_status", 0), reading.failure
        if status >= FIRST_NOT_SUCCESS:
            stated = {**failure_facts(None, status), **stated}
            if stated["error_type"] == "error":
                stated["error_type"] = str(status)
        if stated or "error_type" in self._facts:
            return stated
        if error is not None:
            return exception_facts(error)
        found = reader.error_type(reading, is_whole=outcome == "completed") if reader is not None else None
        return {} if found is None else {"error_type": found}

    def _safe_to_store(self, facts: Facts) -> Facts:
        """Return the fields that quote a server, as they may be stored."""
        safe = partial(safe_excerpt, secrets=self._secrets, user=self._user)
        found: Facts = {name: safe(facts[name]) for name in _QUOTED if name in facts}
        found["previous_errors"] = tuple(map(safe, facts.get("previous_errors", ())))
        return found

    def _watching_for_usage(self, reader: Reader) -> Callable[[bytes], None]:
        """Return the reader's `feed`; where somebody waits for the usage, one that looks for it in every chunk."""
        if self.on_usage is None or not isinstance(reader, StreamReader):
            return reader.feed
        notify, waiting = self.on_usage, False

        def feed(chunk: bytes) -> None:
            nonlocal waiting
            reader.feed(chunk)
            waiting = waiting or _states_usage(chunk)
            if waiting and self._open and (b"\n" in chunk or b"\r" in chunk):  # else no event is complete
                with guard.quietly("capture.usage"):
                    waiting = not self._notified(reader.so_far(), notify) or _states_usage(reader.rest)

        return feed

    def _notified(self, reading: Reading, notify: Listener) -> bool:
        """Call `notify` with what is known, once the usage is; return whether it is."""
        if reading.usage:
            facts = self._stated(reading)
            source = "response" if facts.get("cost") is not None else None
            notify(msgspec.structs.replace(self._base, cost_source=source, **facts))
        return bool(reading.usage)

    def _decoding(self, encodings: str, feed: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return `feed` behind the decoder that a body needs; what cannot be decoded is not fed."""
        decode = decoder(encodings)
        if decode is None:
            return feed

        def decoded(chunk: bytes) -> None:
            try:
                for piece in decode(chunk):
                    feed(piece)
            except Exception:  # noqa: BLE001 - damaged, or not so encoded: the client library reports it to the caller
                self._facts["error_type"] = "invalid_response"

        return decoded

    def _complete(self) -> None:
        self.finish("completed")


_NOTHING = Decimal(0)
_USAGE = (b'"usage":{', b'"usage": {')
"""How a usage begins; one that the network split here is read at the end."""
_QUOTED = ("error_type", "error_message", "error_provider")
"""The fields in which a server may quote the request."""


def _states_usage(events: bytes) -> bool:
    return any(mark in events for mark in _USAGE)


def _both(one: Callable[[bytes], None], other: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def feed(chunk: bytes) -> None:
        one(chunk)
        other(chunk)

    return feed


def _ignore_chunk(_chunk: bytes) -> None:
    """Ignore a chunk before the headers or after the end."""


def _ignore_call(_call: Call) -> None:
    """Ignore a second end."""
