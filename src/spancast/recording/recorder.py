"""Opens an exchange for a request, and records and traces the Call that results; the hooks call it."""

import time
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec.structs import replace
from opentelemetry.trace import Span

from spancast.attribution import resolution
from spancast.attribution.forward import forwardable, names_user
from spancast.attribution.rules import current_rules
from spancast.base import forks, guard, ids
from spancast.base.deadline import Deadline
from spancast.base.garbage import collecting
from spancast.base.http_status import FIRST_NOT_SUCCESS
from spancast.capture.content.buffer import ContentBuffer
from spancast.capture.dialects.dialect import Dialect
from spancast.capture.exchange import Exchange, Listener
from spancast.capture.failure import key_hash, secrets_of
from spancast.capture.http_request import HttpRequest
from spancast.capture.json_body import decode_members, with_members
from spancast.capture.request.facts import app_facts, form_facts, request_facts
from spancast.capture.route import DEFAULT_PORTS, Routes, region_of
from spancast.capture.scrubbing import scrubbed
from spancast.capture.values import Facts
from spancast.recording.aftermath import Aftermath
from spancast.recording.attempts import Attempts
from spancast.records.call import Call
from spancast.records.late import bill_of
from spancast.records.record import Record
from spancast.trace import span as spans
from spancast.trace.link import linked_trace
from spancast.trace.place import Place, place_call
from spancast.trace.tracing import Tracing


class Recorder:
    """Opens exchanges, and records each Call when it is finished. Nothing it does raises into a hook."""

    def __init__(  # noqa: PLR0913 - the parts that handle a call
        self,
        routes: Routes,
        tracing: Tracing,
        append: Callable[[Record], None] | None,
        destinations: tuple[str, ...] = (),
        aftermath: Aftermath | None = None,
        *,
        link_broadcast: bool = False,
        listener_for: Callable[[HttpRequest], Listener | None] | None = None,
        on_provider: Callable[[], None] | None = None,
    ) -> None:
        """Record the requests that match `routes`.

        Args:
            routes: The hosts and paths that are recorded.
            tracing: Makes the spans.
            append: Writes a record to the journal.
            destinations: The names of the destinations that get the calls.
            aftermath: The work on finished calls in background threads; none by default.
            link_broadcast: Whether to name our span in requests, for OpenRouter's Broadcast.
            listener_for: Returns who else is notified of the finished call of a request.
            on_provider: Called when a call is opened and the application has another tracer provider than before.
        """
        self.watches = routes.watches
        self._routes = routes
        self._tracing = tracing
        self._append = append
        self._destinations = destinations
        self._attempts = Attempts()
        self._aftermath = aftermath or Aftermath()
        self._link_broadcast = link_broadcast
        self._listener_for = listener_for
        self._on_provider = on_provider
        self._provider: object = None
        tracing.before_flush(self.complete)
        self._abandoned: deque[tuple[Call, Span | None, ContentBuffer | None]] = deque()
        forks.in_child(self._forget_abandoned)

    def open(self, request: HttpRequest) -> Exchange | None:
        """Return the exchange of a request to a model; `None` for any other request."""
        try:
            dialect = self._routes.dialect(request.method, request.scheme, request.host, request.port, request.path)
            if dialect is None:
                return None
            return self._open_poll(dialect, request) if dialect.poll else self._open_call(dialect, request)
        except Exception:  # noqa: BLE001 - the request is sent whatever happens here
            guard.caught("recorder.open")
            return None

    def submit_abandoned(self) -> None:
        """Submit the work on abandoned calls, which their finalizer cannot: it may run while any lock is held."""
        while self._abandoned:
            try:
                call, span, buffer = self._abandoned.popleft()
            except IndexError:  # another thread has just taken the last
                return
            if not self._submit(call, buffer, span):
                _end(call, span)

    def complete(self, timeout: float) -> bool:
        """Finish the background work; return whether it was finished within `timeout` seconds."""
        self.submit_abandoned()
        deadline = Deadline(timeout)
        done = self._aftermath.drain(deadline.remaining)
        return self._tracing.complete(deadline.remaining) and done

    def close(self, timeout: float) -> bool:
        """Do the same, then end the spans that still wait for their content without it."""
        done = self.complete(timeout)
        if not done:
            self._aftermath.give_up()
        return done

    def _forget_abandoned(self) -> None:
        """Leave the spans of calls that a parent has abandoned to the parent."""
        self._abandoned.clear()

    def _open_call(self, dialect: Dialect, request: HttpRequest) -> Exchange:
        process = forks.pid()  # first: in a child whose fork ran no hooks this renews the ids
        self.submit_abandoned()
        stated = _stated_facts(request)
        facts = resolution.with_attribution(stated, request.headers.get("x-session-id"))
        credentials, started_at = secrets_of(request.headers), time.time_ns()
        call_id, facts = ids.call_id(started_at), scrubbed(facts, credentials)
        call = Call(
            call_id=call_id,
            operation=dialect.operation,
            started_at=started_at,
            server_address=request.host,
            server_port=request.port or DEFAULT_PORTS.get(request.scheme),
            region=region_of(request.host),
            destinations=self._destinations,
            key_hash=key_hash(request.headers),
            **self._attempts.link(call_id, request.headers, request.body, request.client_request, request.resend_count),
            **facts,
        )
        self._join_provider()
        call, place = place_call(call, self._tracing)
        call, replacement = self._replacement(call, dialect, request)
        buffer = self._aftermath.content_buffer(dialect.operation, request.body, credentials)
        listener = None if self._listener_for is None else self._listener_for(request)
        on_finish = partial(self._on_finish, place=place, buffer=buffer, listener=listener, process=process)
        on_headers = partial(self._on_headers, place=place)
        return Exchange(
            call,
            dialect,
            on_headers,
            on_finish,
            credentials,
            user=resolution.raw_user(stated),
            context=place.context,
            request_body=request.body,
            replacement_body=replacement,
            content_buffer=buffer,
            on_usage=place.on_usage,
        )

    def _join_provider(self) -> None:
        """Join the application's current tracer provider, whose resource the call gets."""
        self._tracing.tracer()
        if self._provider is not self._tracing.provider:
            self._provider = self._tracing.provider
            if self._on_provider is not None:
                self._on_provider()

    def _replacement(self, call: Call, dialect: Dialect, request: HttpRequest) -> tuple[Call, bytes | None]:
        """Return the body to send in place of the application's, if any, and the call, marked if that links it.

        The body names our span for OpenRouter's Broadcast, or the user, if that is configured and the application's
        body names none.
        """
        body = _replaceable_body(request)
        links = self._link_broadcast and dialect.takes_trace
        user = forwardable(call.user) if body and dialect.takes_user else None
        if not body or not (links or user) or (members := decode_members(body)) is None:
            return call, None
        changes: dict[str, Any] = {}
        trace = linked_trace(members, call.trace_id, call.span_id) if links else None
        if trace is not None:
            call = replace(call, linked=True)
            changes["trace"] = trace
        if user is not None and not names_user(members):
            changes["user"] = user
        return call, with_members(members, changes) if changes else None

    def _open_poll(self, dialect: Dialect, request: HttpRequest) -> Exchange:
        """Return the exchange of a request that is no call: it polls a job, and may return the job's bill."""
        base = Call(call_id="", operation=dialect.operation, started_at=time.time_ns())
        secrets = secrets_of(request.headers)
        return Exchange(base, dialect, _ignore, self._on_poll, secrets, request_body=request.body)

    def _on_poll(self, call: Call) -> None:
        late = bill_of(call)
        if late is not None and current_rules().hash_key is not None:  # it may quote the job's user, not known here
            late = replace(late, error_message=None)
        if late is not None and self._append is not None:
            with guard.quietly("recorder.append"):
                self._append(late)

    def _on_headers(self, call: Call, place: Place) -> None:
        if call.http_status is not None and call.http_status >= FIRST_NOT_SUCCESS:
            self._attempts.failed(call.call_id)
        place.on_headers(call)
        if self._append is not None:
            self._append(call)

    def _on_finish(
        self, call: Call, place: Place, buffer: ContentBuffer | None, listener: Listener | None, process: int
    ) -> None:
        if call.outcome != "completed" and process != forks.pid():
            return  # a forked child has released its copy; the outcome is its parent's to record
        if call.error_type is not None:
            self._attempts.failed(call.call_id)
        call, span = place.on_finish(call)
        abandoned = call.outcome == "abandoned" or collecting()
        submitted = not abandoned and self._submit(call, buffer, span)
        if self._append is not None:
            try:
                self._append(replace(call, content=True) if buffer is not None and (submitted or abandoned) else call)
            except Exception:  # noqa: BLE001 - the application reads on
                guard.caught("recorder.append")
        if abandoned:
            self._abandoned.append((call, span, buffer))
        elif not submitted:
            _end(call, span)
        if listener is not None:
            with guard.quietly("recorder.listener"):
                listener(call)

    def _submit(self, call: Call, buffer: ContentBuffer | None, span: Span | None) -> bool:
        """Submit the background work on a call; return whether that ends its span."""
        try:
            return self._aftermath.submit(call, buffer, span)
        except Exception:  # noqa: BLE001 - the application reads on
            guard.caught("recorder.aftermath")
            return False


def _end(call: Call, span: Span | None) -> None:
    if span is not None:
        with guard.quietly("trace.end"):
            spans.end(span, call)


def _replaceable_body(request: HttpRequest) -> bytes | None:
    """Return a JSON body in whose place another can be sent."""
    is_json = (request.headers.get("content-type") or "").lower().startswith("application/json")
    return request.body if request.replaceable and is_json else None


def _stated_facts(request: HttpRequest) -> Facts:
    if request.form is not None:
        facts = form_facts(request.form)
    else:
        facts = request_facts(request.body, request.headers.get("content-type") or "")
    facts.update(app_facts(request.headers))
    return facts


def _ignore(_call: Call) -> None:
    """Do nothing."""
