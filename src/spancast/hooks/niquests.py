"""niquests: every request passes through `Session.send` or `AsyncSession.send`, redirects inside it.

The headers are taken in the client's own `response` hook, which it calls before it reads a body: at once, or when it
gathers the responses of a multiplexed connection, long after `send` has returned. A caller who does not stream gets a
response that has been read; otherwise the body is observed where its bytes leave the connection, in `response.raw`.
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
    body_bytes,
    finish_with_encoded,
    is_replaceable,
    is_watched,
    request_argument,
)
from spancast.hooks.error_response import response_of
from spancast.hooks.headers import credential_headers, fold, with_content_length
from spancast.hooks.niquests_attempts import RequestAttempts, open_attempts
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import module_of, sending
from spancast.hooks.urllib3_future import is_encoded, observe_body, received_before
from spancast.recording.recorder import Recorder

_SCHEMES = {"sse": "https", "psse": "http"}
"""The schemes that select niquests' own reader of events, and what carries them."""


def sync_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Session.send`."""

    def send(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = request_argument(args, kwargs)
        if (
            not is_watched(recorder, _host, request)
            or (attempts := open_attempts(recorder, partial(_parse_request, request))) is None
        ):
            return wrapped(*args, **kwargs)
        observer, exchange = _observer(module, attempts, session, kwargs), attempts.exchange
        with (
            sending(exchange, "niquests", _is_transport),
            _body_replaced(request, exchange.replacement_body),
            attempts.active(),
            observer.observing(request),
        ):
            return observer.on_return(wrapped(*args, **kwargs))

    return send


def async_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncSession.send`."""

    def send(wrapped: Callable[..., Any], session: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = request_argument(args, kwargs)
        if not is_watched(recorder, _host, request):
            return wrapped(*args, **kwargs)
        return send_watched(wrapped, session, request, args, kwargs)

    @wraps(module.AsyncSession.send)  # a coroutine that is never awaited is named in a warning
    async def send_watched(
        wrapped: Callable[..., Any], session: Any, request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        attempts = open_attempts(recorder, partial(_parse_request, request))
        if attempts is None:
            return await wrapped(*args, **kwargs)
        observer, exchange = _observer(module, attempts, session, kwargs), attempts.exchange
        with (
            sending(exchange, "niquests", _is_transport),
            _body_replaced(request, exchange.replacement_body),
            attempts.active(),
            observer.observing(request),
        ):
            return observer.on_return(await wrapped(*args, **kwargs))

    return send


def _is_transport(frame: FrameType) -> bool | None:
    """Return whether an adapter sends, niquests' own or not, or a redirect is followed; `False` if a hook is called."""
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
class _ResponseObserver:
    """Passes a response to the exchange of the last attempt, once."""

    kind: type
    """The client's own class of response."""
    attempts: RequestAttempts
    streamed: bool
    follows_redirects: bool
    promised: Callable[[], Any] | None = None
    """The promised response, while it exists; the client gathers it later."""

    @property
    def exchange(self) -> Exchange:
        """The exchange of the last attempt."""
        return self.attempts.exchange

    @contextmanager
    def observing(self, request: Any) -> Iterator[None]:
        """Be the last of a request's response hooks while it is sent, behind any that replaces the response.

        Copies of the request, which follow its redirects, share the list of hooks, from which ours is removed too.
        """
        hooks = getattr(request, "hooks", None)
        theirs = (hooks or {}).get("response") or []
        with_ours = [*([theirs] if callable(theirs) else theirs), self.on_response]
        request.hooks = {**(hooks or {}), "response": with_ours}
        try:
            yield
        except BaseException as error:
            with guard.quietly("hooks.niquests"):
                self._observe_rejected(request, error)
                self._feed_received_before(error)
            self.exchange.fail(error)
            raise
        finally:
            request.hooks = hooks
            if self.promised is None:
                with_ours.remove(self.on_response)

    def on_response(self, response: Any, **_: Any) -> None:
        """Observe a response before its body is read; one that redirects is a step on the way.

        For a promised response the client calls this after the last step, with what it has made of the first.
        """
        with self._guarded():
            if self.promised is not None:
                self._observe(self.promised() or response)
            elif not (self.follows_redirects and response.is_redirect):
                self._observe(response)

    def on_return(self, response: Any) -> Any:
        """Observe what is returned: a promise, a response that has been read, or one that the application reads."""
        with self._guarded():
            if response.lazy:
                self.promised = ref(response)
                finalize(response, self.attempts.abandon).atexit = False
                self.attempts.attach_to(response._promise)  # noqa: SLF001 - the client's own way to it
            else:
                self._observe(response)
                if not self.streamed and response.extension is None:
                    self._take_body(response)
        return response

    def _observe_rejected(self, request: Any, error: BaseException) -> None:
        """Pass the response that an exception is about, which one of the application's hooks has rejected."""
        response = response_of(error, self.kind, partial(_is_for, request))
        if response is not None and not self.attempts.has_response:
            self.attempts.has_response = True
            self._on_headers(response)
            if response._content_consumed:  # noqa: SLF001 - the hook has read it
                self._take_body(response)

    def _feed_received_before(self, error: BaseException) -> None:
        """Feed the bytes of a body that were received before the client's error."""
        for cause in error.args[:1]:
            if isinstance(cause, Exception):
                self.exchange.feed(received_before(cause))

    def _observe(self, response: Any) -> None:
        """Pass the headers, and observe the body."""
        if self.attempts.has_response:
            return
        self.attempts.has_response = True
        is_event_stream = self._on_headers(response)
        if response._content_consumed:  # noqa: SLF001 - one of the client's own hooks has read it
            self._take_body(response)
        elif self.streamed or self.promised is not None or is_event_stream or response.extension is not None:
            if hasattr(response.raw, "_raw_read"):
                observe_body(response.raw, self.exchange)
            elif self.streamed:  # the response of an adapter of the application's own
                self.exchange.finish("closed")

    def _on_headers(self, response: Any) -> bool:
        """Pass the headers; return whether the body is a stream of events."""
        self.exchange.request_sent(credential_headers(response.request.headers or {}))
        raw = getattr(response.raw, "headers", None)  # the response's own have repeated headers joined
        headers: Any = raw if hasattr(raw, "getlist") else response.headers
        return self.exchange.headers(response.status_code, fold(headers.items(), is_response=True))

    def _take_body(self, response: Any) -> None:
        body = response._content  # noqa: SLF001 - the public property reads
        if not isinstance(body, bytes):
            self.exchange.finish("closed")
        elif is_encoded(response.raw):
            finish_with_encoded(body, self.exchange)
        else:
            self.exchange.body(body)

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        try:
            yield
        except Exception:  # noqa: BLE001 - the response is the application's
            self.exchange.finish("closed")
            guard.caught("hooks.niquests")


def _observer(module: ModuleType, attempts: RequestAttempts, session: Any, kwargs: dict[str, Any]) -> _ResponseObserver:
    return _ResponseObserver(
        module.Response,
        attempts,
        streamed=bool(kwargs.get("stream", session.stream)),
        follows_redirects=kwargs.get("allow_redirects", True),
    )


def _is_for(request: Any, response: Any) -> bool:
    return getattr(response, "request", None) is request


def _host(request: Any) -> str | None:
    url: SplitResult = urlsplit(request.url)
    return url.hostname


def _parse_request(request: Any) -> HttpRequest:
    url: SplitResult = urlsplit(request.url)
    scheme = _SCHEMES.get(url.scheme, url.scheme)
    headers: Mapping[str, str] = request.headers or {}
    origin = scheme, url.hostname or "", url.port
    body, replaceable = body_bytes(request.body), request.headers is not None and is_replaceable(request.body)
    return HttpRequest(
        request.method, *origin, url.path, headers, body, replaceable=replaceable, client_request=request
    )


@contextmanager
def _body_replaced(request: Any, body: bytes | None) -> Iterator[None]:
    """Send another body in place of the request's, if there is one, and restore the application's own."""
    if body is None:
        yield
        return
    before = request.body, request.headers
    request.body, request.headers = body, with_content_length(request.headers, len(body))
    try:
        yield
    finally:
        request.body, request.headers = before
