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
from spancast.attribution import context as attribution
from spancast.call import Call
from spancast.capture.chat import request_facts
from spancast.capture.exchange import Exchange
from spancast.capture.failure import secrets_of
from spancast.capture.route import Routes
from spancast.capture.values import labels, text
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


class Recorder:
    """Opens exchanges, and takes each Call when it is finished. Nothing it does raises into a hook."""

    def __init__(
        self,
        routes: Routes,
        tracing: Tracing,
        keep: Callable[[Call], None] | None,
        destinations: tuple[str, ...] = (),
    ) -> None:
        """Record what `routes` name; `keep` puts a Call into the journal."""
        self.watches = routes.watches
        self._routes = routes
        self._tracing = tracing
        self._keep = keep
        self._destinations = destinations
        self._unended: deque[tuple[Span, Call]] = deque()

    def open(self, request: HttpRequest) -> Exchange | None:
        """Return the exchange of a request that asks a model for something; `None` for any other."""
        try:
            operation = self._routes.operation(request.method, request.scheme, request.host, request.port, request.path)
            return None if operation is None else self._open(operation, request)
        except Exception:  # noqa: BLE001 - the request is sent whatever happens here
            guard.caught("recorder.open")
            return None

    def settle(self) -> None:
        """End the spans of abandoned answers. A finalizer may run inside any lock, so it leaves that to others."""
        while self._unended:
            with guard.quietly("trace.end"):
                spans.end(*self._unended.popleft())

    def _open(self, operation: str, request: HttpRequest) -> Exchange:
        self.settle()
        who = attribution.current()
        facts = request_facts(request.body)
        facts["user"] = facts.get("user") or text(who.user)
        facts["session"] = facts.get("session") or text(request.headers.get("x-session-id")) or text(who.session)
        call = Call(
            call_id=secrets.token_hex(16),
            operation=operation,
            started_at=time.time_ns(),
            server_address=request.host,
            server_port=request.port or _PORTS.get(request.scheme),
            tags=labels(who.tags.items()),
            destinations=self._destinations,
            **facts,
        )
        span, inside = None, None
        if is_instrumentation_enabled():
            tracer, parent = self._tracing.tracer(), get_current()
            span, inside = spans.begin(tracer, call, parent)
            call = _placed(call, span, parent, self._tracing.resource)

        def finished(done: Call) -> None:
            self._finished(done, span)

        return Exchange(call, self._opened, finished, inside, secrets_of(request.headers))

    def _opened(self, call: Call) -> None:
        if self._keep is not None:
            self._keep(call)

    def _finished(self, call: Call, span: Span | None) -> None:
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
