"""What a hook talks to: it opens an exchange for a request, and keeps and traces the Call that comes of it."""

import time
from collections import deque
from collections.abc import Callable
from functools import partial

from msgspec.structs import replace
from opentelemetry.trace import Span

from spancast.attribution import who
from spancast.attribution.forward import forwarded
from spancast.attribution.rules import in_force
from spancast.base import forks, guard, ids
from spancast.base.deadline import Deadline
from spancast.base.garbage import collecting
from spancast.capture.content.words import Words
from spancast.capture.dialect import Dialect
from spancast.capture.exchange import ERRORS, Exchange
from spancast.capture.failure import key_hash, secrets_of
from spancast.capture.http_request import HttpRequest
from spancast.capture.request import app_facts, form_facts, request_facts
from spancast.capture.route import Routes, region_of
from spancast.capture.values import Facts
from spancast.capture.written import scrubbed
from spancast.recording.aftermath import Aftermath
from spancast.recording.attempts import Attempts
from spancast.records.call import Call
from spancast.records.late import bill_of
from spancast.records.record import Record
from spancast.trace import span as spans
from spancast.trace.link import linked
from spancast.trace.place import Place, placed
from spancast.trace.tracing import Tracing

_PORTS = {"http": 80, "https": 443}


class Recorder:
    """Opens exchanges, and takes each Call when it is finished. Nothing it does raises into a hook."""

    def __init__(  # noqa: PLR0913 - what each part of the house has to do with a call
        self,
        routes: Routes,
        tracing: Tracing,
        keep: Callable[[Record], None] | None,
        destinations: tuple[str, ...] = (),
        aftermath: Aftermath | None = None,
        *,
        link_broadcast: bool = False,
        owing: Callable[[HttpRequest], Callable[[Call], None] | None] | None = None,
        on_provider: Callable[[], None] | None = None,
    ) -> None:
        """Record what `routes` name; `keep` puts a record into the journal. `link_broadcast` changes requests.

        `owing` returns who else is to be told of the finished call of a request. `on_provider` is called when a call
        is opened for which the application has another tracer provider than for the last one.
        """
        self.watches = routes.watches
        self._routes = routes
        self._tracing = tracing
        self._keep = keep
        self._destinations = destinations
        self._attempts = Attempts()
        self._aftermath = aftermath
        self._link_broadcast = link_broadcast
        self._owing = owing
        self._on_provider = on_provider
        self._provider: object = None
        tracing.before_flush(self.complete)
        self._abandoned: deque[tuple[Call, Span | None, Words | None]] = deque()
        forks.in_child(self._disown)

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
        """Do for abandoned answers what a finalizer, which may run inside any lock, leaves to others."""
        while self._abandoned:
            try:
                call, span, words = self._abandoned.popleft()
            except IndexError:  # another thread has just taken the last
                return
            if not self._leave(call, words, span):
                _end(call, span)

    def complete(self, timeout: float) -> bool:
        """Do what was left to be done behind the caller's back; return whether all was within `timeout` seconds."""
        self.settle()
        deadline = Deadline(timeout)
        done = self._aftermath is None or self._aftermath.drain(deadline.left)
        return self._tracing.complete(deadline.left) and done

    def close(self, timeout: float) -> bool:
        """Do the same, and end the spans of calls whose words are not written by then without them."""
        done = self.complete(timeout)
        if self._aftermath is not None and not done:
            self._aftermath.give_up()
        return done

    def _disown(self) -> None:
        """Leave to a parent what it has abandoned: its spans end there."""
        self._abandoned.clear()

    def _open(self, dialect: Dialect, request: HttpRequest) -> Exchange:
        process = forks.process()  # first of all: a child whose fork nobody told of makes ids of its own
        self.settle()
        asked = _asked(request)
        facts = who.attributed(asked, request.headers.get("x-session-id"))
        credentials, started_at = secrets_of(request.headers), time.time_ns()
        call_id, said = ids.call_id(started_at), scrubbed(facts, credentials)
        call = Call(
            call_id=call_id,
            operation=dialect.operation,
            started_at=started_at,
            server_address=request.host,
            server_port=request.port or _PORTS.get(request.scheme),
            region=region_of(request.host),
            destinations=self._destinations,
            key_hash=key_hash(request.headers),
            **self._attempts.link(call_id, request.headers, request.body, request.itself, request.tries),
            **said,
        )
        self._join()
        call, place = placed(call, self._tracing)
        body = _replaceable(request)
        sends = self._linked(call, body) if dialect.takes_trace else None
        if sends is not None:
            call = replace(call, linked=True)
        if dialect.takes_user:
            sends = forwarded(sends or body, call.user) or sends
        after = self._aftermath
        words = None if after is None else after.words(dialect.operation, request.body, credentials)
        owed = None if self._owing is None else self._owing(request)
        finished = partial(self._finished, place=place, words=words, owed=owed, process=process)
        opened = partial(self._opened, place=place)
        exchange = Exchange(call, dialect, opened, finished, credentials, user=who.hidden(asked))
        exchange.context, exchange.words, exchange.sends = place.context, words, sends
        exchange.on_usage = place.on_usage
        return exchange

    def _join(self) -> None:
        """Join the application's provider, whose resource the call has."""
        self._tracing.tracer()
        if self._provider is not self._tracing.provider:
            self._provider = self._tracing.provider
            if self._on_provider is not None:
                self._on_provider()

    def _linked(self, call: Call, body: bytes | None) -> bytes | None:
        """Return the body in which OpenRouter's Broadcast finds our span, where that is wanted and can be."""
        if not self._link_broadcast or not body or not call.trace_id or not call.span_id:
            return None
        return linked(body, call.trace_id, call.span_id)

    def _listen(self, dialect: Dialect, request: HttpRequest) -> Exchange:
        """Return an exchange that is no call: it asks how a job stands, and may bring its bill."""
        base = Call(call_id="", operation=dialect.operation, started_at=time.time_ns())
        return Exchange(base, dialect, _ignored, self._polled, secrets_of(request.headers))

    def _polled(self, seen: Call) -> None:
        late = bill_of(seen)
        if late is not None and in_force().hash_key is not None:  # the job's user is not known here, who may be quoted
            late = replace(late, error_message=None)
        if late is not None and self._keep is not None:
            with guard.quietly("recorder.keep"):
                self._keep(late)

    def _opened(self, call: Call, place: Place) -> None:
        if call.http_status is not None and call.http_status >= ERRORS:
            self._attempts.failed(call.call_id)
        place.opened(call)
        if self._keep is not None:
            self._keep(call)

    def _finished(
        self, call: Call, place: Place, words: Words | None, owed: Callable[[Call], None] | None, process: int
    ) -> None:
        if call.outcome != "completed" and process != forks.process():
            return  # a forked child has let go of its copy: what became of the call is its parent's to say
        if call.error_type is not None:
            self._attempts.failed(call.call_id)
        call, span = place.finished(call)
        abandoned = call.outcome == "abandoned" or collecting()
        left = not abandoned and self._leave(call, words, span)
        if self._keep is not None:
            try:
                self._keep(replace(call, content=True) if words is not None and (left or abandoned) else call)
            except Exception:  # noqa: BLE001 - the application reads on
                guard.caught("recorder.keep")
        if abandoned:
            self._abandoned.append((call, span, words))
        elif not left:
            _end(call, span)
        if owed is not None:
            with guard.quietly("recorder.owing"):
                owed(call)

    def _leave(self, call: Call, words: Words | None, span: Span | None) -> bool:
        """Leave what is done behind the caller's back; return whether that ends the span."""
        try:
            return self._aftermath is not None and self._aftermath.take(call, words, span)
        except Exception:  # noqa: BLE001 - the application reads on
            guard.caught("recorder.aftermath")
            return False


def _end(call: Call, span: Span | None) -> None:
    if span is not None:
        with guard.quietly("trace.end"):
            spans.end(span, call)


def _replaceable(request: HttpRequest) -> bytes | None:
    """Return a body of JSON in the place of which another can be sent."""
    is_json = (request.headers.get("content-type") or "").lower().startswith("application/json")
    return request.body if request.replaceable and is_json else None


def _asked(request: HttpRequest) -> Facts:
    if request.form is not None:
        facts = form_facts(request.form)
    else:
        facts = request_facts(request.body, request.headers.get("content-type") or "")
    facts.update(app_facts(request.headers))
    return facts


def _ignored(_call: Call) -> None:
    """Take note of nothing."""
