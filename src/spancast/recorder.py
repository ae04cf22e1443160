"""What a hook talks to: it opens an exchange for a request, and keeps and traces the Call that comes of it."""

import secrets
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace
from opentelemetry.context import Context, get_current
from opentelemetry.instrumentation.utils import is_instrumentation_enabled
from opentelemetry.trace import Span, format_span_id, format_trace_id, get_current_span

from spancast import guard
from spancast.attempts import Attempts
from spancast.attribution import context as attribution
from spancast.call import Call
from spancast.capture.content.words import Words
from spancast.capture.dialect import Dialect
from spancast.capture.exchange import Exchange
from spancast.capture.failure import key_hash, secrets_of
from spancast.capture.request import app_facts, form_facts, request_facts
from spancast.capture.route import Routes, region_of
from spancast.capture.values import Facts, labels, text
from spancast.late import bill_of
from spancast.listener import Listener
from spancast.record import Record
from spancast.trace import span as spans
from spancast.trace.tracing import Tracing

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request as a client library is about to send it."""

    method: str
    scheme: str
    host: str
    port: int | None
    path: str
    headers: Mapping[str, str]
    body: bytes | None
    """`None` when it is not in memory."""
    form: Mapping[str, Any] | None = None
    """The fields of a form that the client library writes down as it sends them."""


class Recorder:
    """Opens exchanges, and takes each Call when it is finished. Nothing it does raises into a hook."""

    def __init__(
        self,
        routes: Routes,
        tracing: Tracing,
        keep: Callable[[Record], None] | None,
        destinations: tuple[str, ...] = (),
        listener: Listener | None = None,
    ) -> None:
        """Record what `routes` name; `keep` puts a record into the journal, `listener` keeps the words."""
        self.watches = routes.watches
        self._routes = routes
        self._tracing = tracing
        self._keep = keep
        self._destinations = destinations
        self._attempts = Attempts()
        self._listener = listener
        self._unended: deque[tuple[Span, Call]] = deque()

    def open(self, request: HttpRequest) -> Exchange | None:
        """Return the exchange of a request that asks a model for something; `None` for any other."""
        try:
            dialect = self._routes.dialect(request.method, request.scheme, request.host, request.port, request.path)
            if dialect is None:
                return None
            return self._listen(dialect, request) if dialect.poll else self._open(dialect, request)
        except Exception:  # noqa: BLE001 - the request is sent whatever happens here
            guard.caught("recorder.open")
            return None

    def settle(self) -> None:
        """End the spans of abandoned answers. A finalizer may run inside any lock, so it leaves that to others."""
        while self._unended:
            with guard.quietly("trace.end"):
                spans.end(*self._unended.popleft())

    def _open(self, dialect: Dialect, request: HttpRequest) -> Exchange:
        self.settle()
        who = attribution.current()
        facts = _asked(request)
        facts["user"] = facts.get("user") or text(who.user)
        facts["session"] = facts.get("session") or text(request.headers.get("x-session-id")) or text(who.session)
        credentials, call_id = secrets_of(request.headers), secrets.token_hex(16)
        call = Call(
            call_id=call_id,
            operation=dialect.operation,
            started_at=time.time_ns(),
            server_address=request.host,
            server_port=request.port or _PORTS.get(request.scheme),
            region=region_of(request.host),
            tags=labels(who.tags.items()),
            destinations=self._destinations,
            key_hash=key_hash(credentials),
            **app_facts(request.headers),
            **self._attempts.link(call_id, request.headers, request.body),
            **facts,
        )
        span, inside = None, None
        if is_instrumentation_enabled():
            tracer, parent = self._tracing.tracer(), get_current()
            span, inside = spans.begin(tracer, call, parent)
            call = _placed(call, span, parent, self._tracing.resource)

        words = None if self._listener is None else self._listener.words(dialect.operation, request.body, credentials)

        def finished(done: Call) -> None:
            self._finished(done, span, words)

        exchange = Exchange(call, dialect, self._opened, finished, credentials)
        exchange.context, exchange.words = inside, words
        return exchange

    def _listen(self, dialect: Dialect, request: HttpRequest) -> Exchange:
        """Return an exchange that is no call: it asks how a job stands, and may bring its bill."""
        base = Call(call_id="", operation=dialect.operation, started_at=time.time_ns())
        return Exchange(base, dialect, _ignored, self._polled, secrets_of(request.headers))

    def _polled(self, seen: Call) -> None:
        late = bill_of(seen)
        if late is not None and self._keep is not None:
            with guard.quietly("recorder.keep"):
                self._keep(late)

    def _opened(self, call: Call) -> None:
        if self._keep is not None:
            self._keep(call)

    def _finished(self, call: Call, span: Span | None, words: Words | None) -> None:
        if words is not None and self._listener is not None and self._listener.write(call, words, span):
            call, span = replace(call, content=True), None
        if self._keep is not None:
            with guard.quietly("recorder.keep"):
                self._keep(call)
        if span is None:
            return
        if call.outcome == "abandoned":
            self._unended.append((span, call))
        else:
            with guard.quietly("trace.end"):
                spans.end(span, call)


def _asked(request: HttpRequest) -> Facts:
    if request.form is not None:
        return form_facts(request.form)
    return request_facts(request.body, request.headers.get("content-type") or "")


def _ignored(_call: Call) -> None:
    """Take note of nothing."""


def _placed(call: Call, span: Span, parent: Context, resource: Mapping[str, Any]) -> Call:
    """Return the call with its place in the trace."""
    place, above = span.get_span_context(), get_current_span(parent).get_span_context()
    if not place.is_valid:
        return call
    return replace(
        call,
        trace_id=format_trace_id(place.trace_id),
        span_id=None
        if place is above
        else format_span_id(place.span_id),  # a tracer that makes none returns the parent's
        parent_span_id=format_span_id(above.span_id) if above.is_valid else None,
        sampled=place.trace_flags.sampled,
        resource=dict(resource),
    )
