"""The attempts that niquests makes by its own `retries`; each is an exchange of its own.

Its urllib3-future makes them within one `urlopen`, or within the `get_response` that fetches what was promised: the
outcome of an attempt goes into `Retry.increment`, and the pool calls its own `urlopen` again with what that returns.
Redirects are not among them, since niquests follows them itself.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from typing import Any

from msgspec.structs import replace
from opentelemetry.context import attach, get_current

from spancast.base import guard, tasks
from spancast.capture.exchange import Exchange
from spancast.capture.http_request import HttpRequest
from spancast.hooks.headers import fold, with_content_length
from spancast.hooks.sending import open_exchange
from spancast.hooks.urllib3_future import observe_body
from spancast.recording.recorder import Recorder

_PARAMETER = "niquests_spancast"
"""The parameter of a promise that holds its attempts; niquests copies parameters to the promise of a redirect."""
_POSITIONAL = ("method", "url", "body", "headers", "retries", "redirect", "assert_same_host")
"""The parameters that `urlopen` sometimes passes to itself by position."""
_OTHER_POOL = object()
"""The pool of a request that is sent meanwhile: by a resolver, or by one of the application's hooks."""
_Arguments = tuple[tuple[Any, ...], dict[str, Any]]


class RequestAttempts:
    """The attempts of one request: the one under way or, afterwards, the last."""

    __slots__ = (
        "_awaits_promise",
        "_context",
        "_history",
        "_pool",
        "_recorder",
        "_request",
        "_task",
        "exchange",
        "has_response",
    )

    exchange: Exchange
    """The exchange of the last attempt."""

    def __init__(self, recorder: Recorder, request: HttpRequest) -> None:
        self._recorder = recorder
        self._request = request
        self._context = copy_context()  # that of the caller: a promise may be fetched in another user's context
        self._task: int | None = None
        self._pool: object = None
        self._awaits_promise = False
        self._history: object = None
        self.has_response = False
        """Whether the exchange has been passed a response."""

    def abandon(self) -> None:
        """Finish when the response is collected."""
        self.exchange.finish("abandoned")

    def attach_to(self, promise: Any) -> None:
        """Be found again by `attempts_of` when what was promised is fetched."""
        promise.set_parameter(_PARAMETER, self)

    @contextmanager
    def active(self) -> Iterator[None]:
        """Observe urllib3-future in this task or thread alone: a task that starts meanwhile inherits the context."""
        current, outer, task = get_current(), _current.get(), self._task
        self._task = tasks.current_id()
        _current.set(self)
        try:
            yield
        finally:
            self._task = task
            if _current.get() is self:
                _current.set(outer)
                if get_current() is self.exchange.context:
                    attach(current)

    @contextmanager
    def fetching(self, pool: object) -> Iterator[None]:
        """Observe a pool that fetches what was promised; an error on the way is not that of the request."""
        with self.active(), self._within(pool, awaits_promise=True):
            yield

    @contextmanager
    def sending(self, pool: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[_Arguments]:
        """Observe a pool that sends the request; yield its arguments, those of a new attempt where it makes one."""
        retries, arguments = args[4] if len(args) > 4 else kwargs.get("retries"), (args, kwargs)  # noqa: PLR2004 - see above
        if self._history is not None and getattr(retries, "history", None) is self._history:
            with guard.quietly("hooks.niquests"):
                arguments = self._next_attempt(args, kwargs)
        elif self._pool is not None:
            pool = _OTHER_POOL
        with self._within(pool, awaits_promise=False):
            yield arguments

    def is_sent_by(self, pool: object) -> bool:
        """Return whether a pool is sending this request, not another."""
        return self._pool is pool is not None

    def on_retry(self, retries: Any, response: Any, error: Exception | None) -> None:
        """Finish with the outcome of the attempt; the next one is recognised by the history of the new `Retry`."""
        self._history = retries.history
        if response is not None:
            self.observe_rejected(response)
        elif error is not None and not self._awaits_promise:
            self.exchange.fail(error)

    def observe_rejected(self, response: Any) -> None:
        """Pass a response that the caller never gets; its body is observed as the client drains it."""
        self.has_response = True
        self.exchange.headers(response.status, fold(response.headers.items(), is_response=True))
        if hasattr(response, "_raw_read"):
            observe_body(response, self.exchange)

    @contextmanager
    def _within(self, pool: object, *, awaits_promise: bool) -> Iterator[None]:
        before = self._pool, self._awaits_promise
        self._pool, self._awaits_promise = pool, awaits_promise
        try:
            yield
        finally:
            self._pool, self._awaits_promise = before

    def _next_attempt(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Arguments:
        """Open the next attempt; return the arguments of the client for it."""
        self._history, self.has_response = None, True
        sent = self.exchange.replacement_body
        self.exchange.finish("closed")  # unless the client has drained it
        arguments = {**dict(zip(_POSITIONAL, args, strict=False)), **kwargs}
        is_ours = sent is not None and arguments.get("body") is sent
        count = (self._request.resend_count or 0) + 1
        self._request = replace(self._request, replaceable=is_ours, resend_count=count)
        exchange = self._context.run(self._recorder.open, self._request)
        if exchange is None:
            return args, kwargs
        self.exchange, self.has_response = exchange, False
        if exchange.context is not None:
            attach(exchange.context)  # type: ignore[arg-type]  # capture knows no OpenTelemetry
        body = exchange.replacement_body or self._request.body
        if not is_ours or body is None:
            return args, kwargs
        return (), {**arguments, "body": body, "headers": with_content_length(arguments["headers"], len(body))}


_current: ContextVar[RequestAttempts | None] = ContextVar("spancast_niquests_attempts", default=None)


def open_attempts(recorder: Recorder, parse: Callable[[], HttpRequest]) -> RequestAttempts | None:
    """Return the attempts of a request, with the exchange of the first; `None` for what is not ours to record."""
    found: list[RequestAttempts] = []

    def parse_and_keep() -> HttpRequest:
        found.append(RequestAttempts(recorder, parse()))
        return found[0]._request  # noqa: SLF001 - it is our own

    exchange = open_exchange(recorder, parse_and_keep)
    if exchange is None:
        return None
    found[0].exchange = exchange
    return found[0]


def current_attempts() -> RequestAttempts | None:
    """Return the attempts that are under way in this very thread or task."""
    attempts = _current.get()
    if attempts is not None and attempts._task == tasks.current_id():  # noqa: SLF001 - it is our own
        return attempts
    return None


def attempts_of(promise: Any) -> RequestAttempts | None:
    """Return the attempts of what was promised."""
    parameter = getattr(promise, "get_parameter", None)
    return None if parameter is None else parameter(_PARAMETER)
