"""niquests: every request passes through `Session.send` or `AsyncSession.send`, redirects inside it.

The headers are seen in the client's own `response` hook, which it calls before it reads a body: at once, or when it
gathers the answers of a multiplexed connection, long after `send` has returned. A caller who did not ask to stream is
handed a response that was read; else the body is heard where its bytes leave the connection, in `response.raw`.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial, wraps
from types import FrameType, ModuleType
from typing import Any
from urllib.parse import SplitResult, urlsplit
from weakref import finalize, ref

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.http_request import HttpRequest
from spancast.hooks.client_request import (
    answered,
    as_it_came,
    content,
    credentials,
    only,
    replaceable,
    resized,
    watched,
)
from spancast.hooks.niquests_tries import Tries, begun
from spancast.hooks.patching import Wrapper
from spancast.hooks.raised import answer_of
from spancast.hooks.sending import module_of, under_way
from spancast.hooks.urllib3_future import come_before, hear, is_as_it_came
from spancast.recording.recorder import Recorder

_SCHEMES = {"sse": "https", "psse": "http"}
"""What carries the schemes by which niquests is asked for its own reader of events."""


def sync_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Session.send`."""

    def send(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = only(args, kwargs)
        if not watched(recorder, _host, request) or (tries := begun(recorder, partial(_seen, request))) is None:
            return wrapped(*args, **kwargs)
        listener, exchange = _listener(module, tries, session, kwargs), tries.exchange
        with (
            under_way(exchange, "niquests", _carries),
            _sending(request, exchange.sends),
            tries.under_way(),
            listener.at(request),
        ):
            return listener.returned(wrapped(*args, **kwargs))

    return send


def async_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncSession.send`."""

    def send(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = only(args, kwargs)
        if not watched(recorder, _host, request):
            return wrapped(*args, **kwargs)
        return send_watched(wrapped, session, request, args, kwargs)

    @wraps(module.AsyncSession.send)  # a coroutine that is never awaited is named in a warning
    async def send_watched(
        wrapped: Callable[..., Any], session: Any, request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        tries = begun(recorder, partial(_seen, request))
        if tries is None:
            return await wrapped(*args, **kwargs)
        listener, exchange = _listener(module, tries, session, kwargs), tries.exchange
        with (
            under_way(exchange, "niquests", _carries),
            _sending(request, exchange.sends),
            tries.under_way(),
            listener.at(request),
        ):
            return listener.returned(await wrapped(*args, **kwargs))

    return send


def _carries(frame: FrameType) -> bool | None:
    """Whether an adapter sends, of the application's own or not, or a redirect is followed; or a hook is called."""
    name, module = frame.f_code.co_name, module_of(frame)
    if module == _HOOKS:
        return False
    if module in _SESSIONS:
        return True if name == _REDIRECTS else None
    is_adapter = module == _ADAPTERS or module_of(frame.f_back) in (*_SESSIONS, _ADAPTERS)
    return True if name == "send" and is_adapter else None


_HOOKS = "niquests.hooks"
_REDIRECTS = "resolve_redirects"
_SESSIONS = ("niquests.sessions", "niquests.async_session")
_ADAPTERS = "niquests.adapters"


@dataclass(slots=True, eq=False)
class _Listener:
    """Shows the exchange of the last try a response, once."""

    kind: type
    """The client's own kind of response."""
    tries: Tries
    streamed: bool
    redirected: bool
    promised: Callable[[], Any] | None = None
    """The response that was promised, as long as it is held; the client gathers it when it will."""

    @property
    def exchange(self) -> Exchange:
        """The exchange of the last try."""
        return self.tries.exchange

    @contextmanager
    def at(self, request: Any) -> Iterator[None]:
        """Be the last of a request's response hooks while it is sent: behind any that puts another response in place.

        Copies of the request, which follow its redirects, share what is put there, and so are left without us too.
        """
        hooks = getattr(request, "hooks", None)
        theirs = (hooks or {}).get("response") or []
        ours = [*([theirs] if callable(theirs) else theirs), self.on_response]
        request.hooks = {**(hooks or {}), "response": ours}
        try:
            yield
        except BaseException as error:
            with guard.quietly("hooks.niquests"):
                self._raised(request, error)
                self._cut(error)
            self.exchange.fail(error)
            raise
        finally:
            request.hooks = hooks
            if self.promised is None:
                ours.remove(self.on_response)

    def on_response(self, response: Any, **_: Any) -> None:
        """Take a response before its body is read; one that redirects is a step on the way.

        Of a promised one the client says so at the end of that way, with what it has made of the first step.
        """
        with self._ours():
            if self.promised is not None:
                self._listen(self.promised() or response)
            elif not (self.redirected and response.is_redirect):
                self._listen(response)

    def returned(self, response: Any) -> Any:
        """Take what is returned: a promise, a response that was read, or one whose reader is the application."""
        with self._ours():
            if response.lazy:
                self.promised = ref(response)
                finalize(response, self.tries.abandon).atexit = False
                self.tries.promised(response._promise)  # noqa: SLF001 - the client's own way to it
            else:
                self._listen(response)
                if not self.streamed and response.extension is None:
                    self._read(response)
        return response

    def _raised(self, request: Any, error: BaseException) -> None:
        """Show what an exception is about, which a hook of the application's has refused."""
        response = answer_of(error, self.kind, partial(_is_of, request))
        if response is not None and not self.tries.heeded:
            self.tries.heeded = True
            self._heard(response)
            if response._content_consumed:  # noqa: SLF001 - the hook has read it
                self._read(response)

    def _cut(self, error: BaseException) -> None:
        """Show what had come of a body that could not be read to its end, as what the client raised about it tells."""
        for cause in error.args[:1]:
            if isinstance(cause, Exception):
                self.exchange.feed(come_before(cause))

    def _listen(self, response: Any) -> None:
        """Show the exchange the headers, and let the body be heard."""
        if self.tries.heeded:
            return
        self.tries.heeded = True
        events = self._heard(response)
        if response._content_consumed:  # noqa: SLF001 - one of the client's own hooks was at it
            self._read(response)
        elif self.streamed or self.promised is not None or events or response.extension is not None:
            if hasattr(response.raw, "_raw_read"):
                hear(response.raw, self.exchange)
            elif self.streamed:  # an adapter of the application's own
                self.exchange.finish("closed")

    def _heard(self, response: Any) -> bool:
        """Show the exchange the headers; return whether the body is a stream of events."""
        self.exchange.sent(credentials(response.request.headers or {}))
        raw = getattr(response.raw, "headers", None)  # its own have what comes several times as one
        headers: Any = raw if hasattr(raw, "getlist") else response.headers
        return self.exchange.headers(response.status_code, answered(headers.items()))

    def _read(self, response: Any) -> None:
        body = response._content  # noqa: SLF001 - the public one reads
        if not isinstance(body, bytes):
            self.exchange.finish("closed")
        elif is_as_it_came(response.raw):
            as_it_came(body, self.exchange)
        else:
            self.exchange.body(body)

    @contextmanager
    def _ours(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - the response is the application's
            guard.caught("hooks.niquests")
            self.exchange.finish("closed")


def _listener(module: ModuleType, tries: Tries, session: Any, kwargs: dict[str, Any]) -> _Listener:
    streamed = bool(kwargs.get("stream", session.stream))
    return _Listener(module.Response, tries, streamed=streamed, redirected=kwargs.get("allow_redirects", True))


def _is_of(request: Any, response: Any) -> bool:
    return getattr(response, "request", None) is request


def _host(request: Any) -> str | None:
    url: SplitResult = urlsplit(request.url)
    return url.hostname


def _seen(request: Any) -> HttpRequest:
    url: SplitResult = urlsplit(request.url)
    scheme = _SCHEMES.get(url.scheme, url.scheme)
    headers: Mapping[str, str] = request.headers or {}
    place = scheme, url.hostname or "", url.port
    body, may = content(request.body), request.headers is not None and replaceable(request.body)
    return HttpRequest(request.method, *place, url.path, headers, body, replaceable=may, itself=request)


@contextmanager
def _sending(request: Any, body: bytes | None) -> Iterator[None]:
    """Let the client send another body in the request's place, where there is one, which is the application's again."""
    if body is None:
        yield
        return
    before = request.body, request.headers
    request.body, request.headers = body, resized(request.headers, len(body))
    try:
        yield
    finally:
        request.body, request.headers = before
