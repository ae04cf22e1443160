"""The tries that niquests makes by its own `retries`: each is an exchange of its own.

Its urllib3-future makes them within one `urlopen`, or within the `get_response` that fetches what was promised: what
came of a try goes into `Retry.increment`, and the pool calls its own `urlopen` again with what that returns. Redirects
are no part of it, since niquests follows them itself.
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
from spancast.hooks.client_request import answered, resized
from spancast.hooks.sending import opened
from spancast.hooks.urllib3_future import hear
from spancast.recording.recorder import Recorder

_PARAMETER = "niquests_spancast"
"""Where a promise has its tries; niquests hands what is named so on to the promise that follows a redirect."""
_POSITIONAL = ("method", "url", "body", "headers", "retries", "redirect", "assert_same_host")
"""What `urlopen` passes to itself by position, now and then."""
_ANOTHER = object()
"""The pool of a request that is sent meanwhile: a resolver's own, or that of a hook of the application."""
_Given = tuple[tuple[Any, ...], dict[str, Any]]


class Tries:
    """The tries of one request: the one under way or, once all is over, the last."""

    __slots__ = ("_context", "_history", "_pool", "_recorder", "_request", "_waits", "_where", "exchange", "heeded")

    exchange: Exchange

    def __init__(self, recorder: Recorder, request: HttpRequest) -> None:
        self._recorder = recorder
        self._request = request
        self._context = copy_context()  # that of the caller: a promise may be fetched elsewhere, as somebody else
        self._where: int | None = None
        self._pool: object = None
        self._waits = False
        self._history: object = None
        self.heeded = False
        """Whether the exchange has been shown a response."""

    def abandon(self) -> None:
        """Finish with an answer that nobody has any more."""
        self.exchange.finish("abandoned")

    def promised(self, promise: Any) -> None:
        """Be found again when what was promised is fetched."""
        promise.set_parameter(_PARAMETER, self)

    @contextmanager
    def under_way(self) -> Iterator[None]:
        """Heed what urllib3-future does here, and nowhere else: a task that is begun meanwhile has the context too."""
        current, outer, where = get_current(), _current.get(), self._where
        self._where = tasks.here()
        _current.set(self)
        try:
            yield
        finally:
            self._where = where
            if _current.get() is self:
                _current.set(outer)
                if get_current() is self.exchange.context:
                    attach(current)

    @contextmanager
    def fetching(self, pool: object) -> Iterator[None]:
        """Heed what a pool does to fetch what was promised; an error on the way is not that of the request."""
        with self.under_way(), self._within(pool, waits=True):
            yield

    @contextmanager
    def sending(self, pool: object, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[_Given]:
        """Heed what a pool does to send the request, and yield what it is to be given: at a further try, of that."""
        retries, given = args[4] if len(args) > 4 else kwargs.get("retries"), (args, kwargs)  # noqa: PLR2004 - see above
        if self._history is not None and getattr(retries, "history", None) is self._history:
            with guard.quietly("hooks.niquests"):
                given = self._again(args, kwargs)
        elif self._pool is not None:
            pool = _ANOTHER
        with self._within(pool, waits=False):
            yield given

    def at(self, pool: object) -> bool:
        """Whether it is this request for which a pool asks how to go on."""
        return self._pool is pool is not None

    def goes_on(self, retries: Any, response: Any, error: Exception | None) -> None:
        """Finish with what the try came to; the next one is told by what the client has made of its `Retry`."""
        self._history = retries.history
        if response is not None:
            self.refused(response)
        elif error is not None and not self._waits:
            self.exchange.fail(error)

    def refused(self, response: Any) -> None:
        """Take a response that its caller never sees; its body is heard as the client drains it."""
        self.heeded = True
        self.exchange.headers(response.status, answered(response.headers.items()))
        if hasattr(response, "_raw_read"):
            hear(response, self.exchange)

    @contextmanager
    def _within(self, pool: object, *, waits: bool) -> Iterator[None]:
        before = self._pool, self._waits
        self._pool, self._waits = pool, waits
        try:
            yield
        finally:
            self._pool, self._waits = before

    def _again(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> _Given:
        """Begin another try; return what the client is to be given for it."""
        self._history, self.heeded = None, True
        sent = self.exchange.sends
        self.exchange.finish("closed")  # unless all of it was drained
        given = {**dict(zip(_POSITIONAL, args, strict=False)), **kwargs}
        ours = sent is not None and given.get("body") is sent
        self._request = replace(self._request, replaceable=ours, tries=(self._request.tries or 0) + 1)
        exchange = self._context.run(self._recorder.open, self._request)
        if exchange is None:
            return args, kwargs
        self.exchange, self.heeded = exchange, False
        if exchange.context is not None:
            attach(exchange.context)  # type: ignore[arg-type]  # its maker's own
        body = exchange.sends or self._request.body
        if not ours or body is None:
            return args, kwargs
        return (), {**given, "body": body, "headers": resized(given["headers"], len(body))}


_current: ContextVar[Tries | None] = ContextVar("spancast_niquests_tries", default=None)


def begun(recorder: Recorder, request: Callable[[], HttpRequest]) -> Tries | None:
    """Return the tries of a request, with the exchange of the first; `None` for what is no call of ours."""
    found: list[Tries] = []

    def seen() -> HttpRequest:
        found.append(Tries(recorder, request()))
        return found[0]._request  # noqa: SLF001 - it is our own

    exchange = opened(recorder, seen)
    if exchange is None:
        return None
    found[0].exchange = exchange
    return found[0]


def here() -> Tries | None:
    """Return the tries that are under way in this very thread or task."""
    tries = _current.get()
    return tries if tries is not None and tries._where == tasks.here() else None  # noqa: SLF001 - it is our own


def promised_by(promise: Any) -> Tries | None:
    """Return the tries of what was promised."""
    parameter = getattr(promise, "get_parameter", None)
    return None if parameter is None else parameter(_PARAMETER)
