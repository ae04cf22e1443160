"""What a redirect leads to in httpx or httpx2 from another host, of which `send` has taken no note."""

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
from spancast.hooks.client_request import watched
from spancast.hooks.httpx import carrying
from spancast.hooks.httpx_answer import Answer
from spancast.hooks.httpx_request import host_of, items_of, seen
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import is_sending, opened, under_way
from spancast.recording.recorder import Recorder


def build_redirect(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `_build_redirect_request` of either client, which is called where an answer redirects.

    Behind a request to another host it may lead to one that is watched.
    """

    def build(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = wrapped(*args, **kwargs)
        if watched(recorder, host_of, request):
            with guard.quietly("hooks.httpx"):
                _led.set(ref(request))
        return request

    return build


_led: ContextVar[Callable[[], Any] | None] = ContextVar("spancast_httpx_redirect", default=None)
"""The last request, if it is there, that a redirect has led to a host that is watched."""


def _is_led(args: tuple[Any, ...]) -> bool:
    """Whether a redirect has led to what is sent, and this is no step of a call."""
    led = _led.get()
    return led is not None and bool(args) and led() is args[0] and not is_sending()


def _led_to(module: ModuleType, asked: Callable[[Any], HttpRequest], request: Any) -> HttpRequest:
    """Return what is asked by a request that was made of another: its body is a stream, which may be in memory."""
    body = b"".join(request.stream) if isinstance(request.stream, module.ByteStream) else None
    return replace(asked(request), body=body, replaceable=False)


def sync_single(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Client._send_single_request`, which opens what a redirect has led to."""
    tee, items = type("ByteStream", (SyncTee, module.SyncByteStream), {}), items_of(module)
    asked, carries = partial(_led_to, module, partial(seen, items)), carrying(module)

    def single(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not _is_led(args) or (exchange := opened(recorder, partial(asked, args[0]))) is None:
            return wrapped(*args, **kwargs)
        answer = Answer(exchange, items, [*items(args[0].headers)])
        with under_way(exchange, module.__name__, carries):
            response = wrapped(*args, **kwargs)
        answer.listen(response, tee, None)
        return response

    return single


def async_single(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncClient._send_single_request`, which does the same."""
    tee, items = type("ByteStream", (AsyncTee, module.AsyncByteStream), {}), items_of(module)
    asked, carries = partial(_led_to, module, partial(seen, items)), carrying(module)

    def single(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return led(wrapped, args, kwargs) if _is_led(args) else wrapped(*args, **kwargs)

    async def led(wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        exchange = opened(recorder, partial(asked, args[0]))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        answer = Answer(exchange, items, [*items(args[0].headers)])
        with under_way(exchange, module.__name__, carries):
            response = await wrapped(*args, **kwargs)
        answer.listen(response, tee, None)
        return response

    return single
