"""httpx and httpx2: a redirect from another host to a watched one, which the hook on `send` does not record."""

from collections.abc import Callable
from contextvars import ContextVar
from functools import partial
from types import ModuleType
from typing import Any
from weakref import ref

from msgspec.structs import replace

from spancast.base import guard
from spancast.capture.http_request import HttpRequest
from spancast.capture.tee import AsyncTee, SyncTee
from spancast.hooks.client_request import is_watched
from spancast.hooks.httpx import readers, stream_classes
from spancast.hooks.httpx_request import host_of
from spancast.hooks.httpx_response import ResponseObserver
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import is_sending, open_exchange, sending
from spancast.recording.recorder import Recorder


def build_redirect(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `_build_redirect_request` of either client, which notes a request to a watched host."""

    def build(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = wrapped(*args, **kwargs)
        if is_watched(recorder, host_of, request):
            with guard.quietly("hooks.httpx"):
                _redirected.set(ref(request))
        return request

    return build


_redirected: ContextVar[Callable[[], Any] | None] = ContextVar("spancast_httpx_redirect", default=None)
"""The last request to a watched host that a redirect has led to, while it exists."""


def _is_redirected(args: tuple[Any, ...]) -> bool:
    """Return whether a redirect has led to the request that is sent, and no hook records it yet."""
    redirected = _redirected.get()
    return redirected is not None and bool(args) and redirected() is args[0] and not is_sending()


def _parse_redirected(module: ModuleType, parse: Callable[[Any], HttpRequest], request: Any) -> HttpRequest:
    """Return a request that was built from another: its body is a stream, which may be in memory."""
    body = b"".join(request.stream) if isinstance(request.stream, module.ByteStream) else None
    return replace(parse(request), body=body, replaceable=False)


def sync_single(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Client._send_single_request`, which records a redirected request."""
    (tee,) = stream_classes(module.SyncByteStream, SyncTee)
    items, parse_request, is_transport = readers(module)
    parse = partial(_parse_redirected, module, parse_request)

    def single(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not _is_redirected(args) or (exchange := open_exchange(recorder, partial(parse, args[0]))) is None:
            return wrapped(*args, **kwargs)
        observer = ResponseObserver(exchange, items, [*items(args[0].headers)])
        with sending(exchange, module.__name__, is_transport):
            response = wrapped(*args, **kwargs)
        observer.observe(response, tee, None)
        return response

    return single


def async_single(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncClient._send_single_request`, which does the same."""
    (tee,) = stream_classes(module.AsyncByteStream, AsyncTee)
    items, parse_request, is_transport = readers(module)
    parse = partial(_parse_redirected, module, parse_request)

    def single(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return redirected(wrapped, args, kwargs) if _is_redirected(args) else wrapped(*args, **kwargs)

    async def redirected(wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        exchange = open_exchange(recorder, partial(parse, args[0]))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        observer = ResponseObserver(exchange, items, [*items(args[0].headers)])
        with sending(exchange, module.__name__, is_transport):
            response = await wrapped(*args, **kwargs)
        observer.observe(response, tee, None)
        return response

    return single
