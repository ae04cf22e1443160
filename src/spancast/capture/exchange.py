"""One HTTP exchange under way: fed with what passes, finished exactly once, with a Call as its result."""

import sys
import time
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from spancast.base import guard
from spancast.capture.decoding import decoder
from spancast.capture.dialect import Dialect
from spancast.capture.failure import exception_facts, failure_facts, kept, key_hash, secrets_of
from spancast.capture.headers import header_facts
from spancast.capture.reader import OpaqueReader, PlainReader, Reader, StreamReader
from spancast.capture.reading import Reading
from spancast.capture.values import Facts
from spancast.capture.written import without_echo
from spancast.records.call import Call, Outcome

if TYPE_CHECKING:
    from spancast.capture.content.words import Words

Listener = Callable[[Call], None]
"""Told of a Call; it must not raise."""


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
        "asks",
        "context",
        "feed",
        "on_usage",
        "sends",
        "words",
    )

    def __init__(  # noqa: PLR0913 - what is known of a request, and who is told
        self,
        base: Call,
        dialect: Dialect,
        on_headers: Listener,
        on_finish: Listener,
        secrets: Sequence[str] = (),
        *,
        user: str | None = None,
    ) -> None:
        """Open an exchange. `base` is what is known from the request, and `secrets` what must not be kept of it.

        Nor is a `user` to be kept who is pseudonymised.
        """
        self._dialect = dialect
        self.context: object = None
        """Carried for whoever made the exchange."""
        self.asks: bytes | None = None
        """The body of the request, until it is sent."""
        self.on_usage: Listener | None = None
        """Told what is known as soon as a stream has stated its usage, before that piece is handed on."""
        self.sends: bytes | None = None
        """The body to send in place of the application's."""
        self.words: Words | None = None
        """Holds what passes, where that is asked for."""
        self._secrets = secrets
        self._user = user
        self._base = base
        self._began = time.perf_counter_ns()
        self._on_headers = on_headers
        self._on_finish = on_finish
        self._facts: dict[str, Any] = {}
        self._reader: Reader | None = None
        self._open = [True]
        self.feed: Callable[[bytes], None] = _unheard
        """Takes a piece of the body as the network brought it, and never raises. To be asked for after `headers`."""

    def sent(self, headers: Mapping[str, str]) -> None:
        """Take the headers of the request as they went out, names in lower case, before those of the answer.

        The client's own `auth`, a hook of the application's or a transport may have put a credential there.
        """
        try:
            found = secrets_of(headers)
            if not set(found) <= set(self._secrets):
                self._secrets = (*found, *self._secrets)
                self._base = msgspec.structs.replace(self._base, key_hash=key_hash(headers) or self._base.key_hash)
                if self.words is not None:
                    self.words.secrets = tuple(self._secrets)
        except Exception:  # noqa: BLE001 - whatever was sent, the caller gets its response
            guard.caught("capture.sent")

    def headers(self, status: int, headers: Mapping[str, str]) -> bool:
        """Take the status and headers (names in any case); return whether the body is a stream of events."""
        try:
            return self._headers(status, headers)
        except Exception:  # noqa: BLE001 - whatever came, the caller gets its response
            guard.caught("capture.headers")
            return False

    def _headers(self, status: int, headers: Mapping[str, str]) -> bool:
        kind = headers.get("content-type", "").lower()
        stream = kind.startswith("text/event-stream")
        self._reader = self._reader_of(status, kind)
        self.feed = self._decoding(headers.get("content-encoding", ""), self._heeding(self._reader))
        if self.words is not None:
            hear = self.words.begin(status, headers.get("content-encoding", ""), streamed=stream)
            self.feed = _both(hear, self.feed)
        self._facts["http_status"] = status
        self._facts["time_to_headers"] = time.perf_counter_ns() - self._began
        if stream:
            self._facts["streamed"] = True
        self._facts.update(without_echo(header_facts(headers), self._secrets))
        self._on_headers(msgspec.structs.replace(self._base, **self._facts))
        return stream

    def _reader_of(self, status: int, kind: str) -> Reader:
        if kind.startswith("text/event-stream"):
            return StreamReader(self._dialect, self._over)
        if self._dialect.opaque and status < ERRORS and "json" not in kind:
            return OpaqueReader()
        return PlainReader(self._dialect)

    @property
    def patient(self) -> bool:
        """Whether pieces of the body may be held for a while and fed together: nobody waits for what they state."""
        reader = self._reader
        return self.on_usage is None and reader is not None and reader.first_token_at is not None

    def body(self, content: bytes) -> None:
        """Take the whole body, decoded, and finish."""
        try:
            if isinstance(self._reader, PlainReader):
                self._reader.whole(content)
            elif self._reader is not None:
                self._reader.feed(content)
            if self.words is not None:
                self.words.whole(content)
        except Exception:  # noqa: BLE001 - the body is the caller's, whatever we make of it
            guard.caught("capture.body")
        self.finish("completed")

    def close(self) -> None:
        """Finish with an answer that the application closed early; the exception under way, if any, says why."""
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
        try:
            call = self._result(outcome, error)
        except Exception:  # noqa: BLE001 - a call is booked even when its answer cannot be read
            guard.caught("capture.finish")
            call = msgspec.structs.replace(self._base, outcome=outcome)
        self._reader = None
        self.feed = _unheard  # the reader knows the exchange: neither is to wait for the garbage collector
        # Whoever is told holds the words, which are not to live as long as the application keeps its response.
        tell, self._on_finish, self.words = self._on_finish, _untold, None
        try:
            tell(call)
        except Exception:  # noqa: BLE001 - whoever is told, the application reads on
            guard.caught("capture.told")

    def _result(self, outcome: Outcome, error: BaseException | None) -> Call:
        reader = self._reader
        reading = Reading() if reader is None else reader.end()
        if reading.over or (reader is not None and reader.done):  # whatever came behind the end of the answer
            outcome, error = "completed", None
        facts = self._stated(reading)
        failure = self._failure(reading, outcome, error)
        if failure or "error_type" in facts:
            facts.update(failure)
            facts.update(self._told_of(facts))
            outcome = "error"
        if facts.get("cache_hit"):  # for nothing, even where no usage says so (OpenRouter docs, response headers)
            facts.setdefault("cost", _NOTHING)
        if facts.get("cost") is not None:
            facts["cost_source"] = "response"
        if reader is not None and reader.first_token_at is not None:
            facts["time_to_first_token"] = reader.first_token_at - self._began
        duration = time.perf_counter_ns() - self._began
        return msgspec.structs.replace(self._base, outcome=outcome, duration=duration, **facts)

    def _stated(self, reading: Reading) -> Facts:
        """Return what the headers and the answer state; who served the call the answer itself knows better."""
        stated = reading.facts()
        provider = stated.get("provider")
        stated.update(self._facts)
        if provider is not None:
            stated["provider"] = provider
        return without_echo(stated, self._secrets)

    def _failure(self, reading: Reading, outcome: Outcome, error: BaseException | None) -> Facts:
        """Return the failure wherever it shows: in the body, the status, or the client; empty where there is none."""
        reader, status, stated = self._reader, self._facts.get("http_status", 0), reading.failure
        if status >= ERRORS:
            stated = {**failure_facts(None, status), **stated}
            if stated["error_type"] == "error":
                stated["error_type"] = str(status)
        if stated or "error_type" in self._facts:
            return stated
        if error is not None:
            return exception_facts(error)
        lack = reader.lacks(reading, whole=outcome == "completed") if reader is not None else None
        return {} if lack is None else {"error_type": lack}

    def _told_of(self, facts: Facts) -> Facts:
        """Return what is kept of the words in which a failure is told."""
        safe = partial(kept, secrets=self._secrets, user=self._user)
        found: Facts = {name: safe(facts[name]) for name in _QUOTED if name in facts}
        found["previous_errors"] = tuple(map(safe, facts.get("previous_errors", ())))
        return found

    def _heeding(self, reader: Reader) -> Callable[[bytes], None]:
        """Return the reader's `feed`; with somebody who waits for the usage, one that looks for it in every piece."""
        if self.on_usage is None or not isinstance(reader, StreamReader):
            return reader.feed
        tell, waiting = self.on_usage, False

        def feed(chunk: bytes) -> None:
            nonlocal waiting
            reader.feed(chunk)
            waiting = waiting or _states_usage(chunk)
            if waiting and self._open and (b"\n" in chunk or b"\r" in chunk):  # else no event has become whole
                with guard.quietly("capture.usage"):
                    waiting = not self._told(reader.so_far(), tell) or _states_usage(reader.rest)

        return feed

    def _told(self, reading: Reading, tell: Listener) -> bool:
        """Tell what is known, once the usage is; return whether it is."""
        if reading.usage:
            facts = self._stated(reading)
            source = "response" if facts.get("cost") is not None else None
            tell(msgspec.structs.replace(self._base, cost_source=source, **facts))
        return bool(reading.usage)

    def _decoding(self, encodings: str, feed: Callable[[bytes], None]) -> Callable[[bytes], None]:
        """Return `feed` behind the decoder that a body needs; from where it cannot be decoded it is let go."""
        decode = decoder(encodings)
        if decode is None:
            return feed

        def decoded(chunk: bytes) -> None:
            try:
                for piece in decode(chunk):
                    feed(piece)
            except Exception:  # noqa: BLE001 - damaged, or not what it says: the client library tells the caller so
                self._facts["error_type"] = "invalid_response"

        return decoded

    def _over(self) -> None:
        self.finish("completed")


_NOTHING = Decimal(0)
ERRORS = 300
"""The first HTTP status that is no answer: a redirect asks no model, whoever follows it, and is not billed."""
_USAGE = (b'"usage":{', b'"usage": {')
"""How a usage begins; one that the network cut in two here is known at the end."""
_QUOTED = ("error_type", "error_message", "error_provider")
"""The fields in which a server may quote the request."""


def _states_usage(events: bytes) -> bool:
    return any(mark in events for mark in _USAGE)


def _both(one: Callable[[bytes], None], other: Callable[[bytes], None]) -> Callable[[bytes], None]:
    def feed(chunk: bytes) -> None:
        one(chunk)
        other(chunk)

    return feed


def _unheard(_chunk: bytes) -> None:
    """Take a body whose headers were never seen."""


def _untold(_call: Call) -> None:
    """Take a call that is finished already."""
