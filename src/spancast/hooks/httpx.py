"""httpx and httpx2: `send` is the one method that every request passes through, whatever transport carries it.

The request is always sent as a stream, so that the id in the headers is known before a body that may never come. For a
caller who does not stream, the hook reads the body as the client itself would, and closes the response on an error.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial, wraps
from types import FrameType, ModuleType
from typing import Any

from spancast.capture.http_request import HttpRequest
from spancast.capture.tee import AsyncTee, SyncTee
from spancast.hooks.client_request import is_watched, request_argument
from spancast.hooks.error_response import response_of
from spancast.hooks.headers import HeaderItems
from spancast.hooks.httpx_request import header_items, host_of, parse_request
from spancast.hooks.httpx_response import AsyncRetainingStream, ResponseObserver, SyncRetainingStream
from spancast.hooks.patching import Wrapper
from spancast.hooks.sending import IsTransport, module_of, open_exchange, sending
from spancast.recording.recorder import Recorder

_LENGTH = "Content-Length"


def sync_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Client.send`."""
    tee, retain = stream_classes(module.SyncByteStream, SyncTee, SyncRetainingStream)
    items, parse, is_transport = readers(module)

    def send(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = request_argument(args, kwargs)
        if (
            not is_watched(recorder, host_of, request)
            or (exchange := open_exchange(recorder, partial(parse, request))) is None
        ):
            return wrapped(*args, **kwargs)
        observer = ResponseObserver(exchange, items, [*items(request.headers)])
        with (
            sending(exchange, module.__name__, is_transport),
            _body_replaced(module, request, exchange.replacement_body),
        ):
            try:
                response = wrapped(*args, **{**kwargs, "stream": True})
            except Exception as error:
                observer.observe_rejected(response_of(error, module.Response, partial(_is_for, request)))
                raise
        observer.observe(response, tee, None if kwargs.get("stream") else retain)
        if kwargs.get("stream"):
            return response
        try:
            response.read()
        except BaseException as error:
            observer.on_read_error(error)
            response.close()
            raise
        observer.on_read(response)
        return response

    return send


def async_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncClient.send`."""
    tee, retain = stream_classes(module.AsyncByteStream, AsyncTee, AsyncRetainingStream)
    items, parse, is_transport = readers(module)

    def send(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = request_argument(args, kwargs)
        if not is_watched(recorder, host_of, request):
            return wrapped(*args, **kwargs)
        return send_watched(wrapped, request, args, kwargs)

    @wraps(module.AsyncClient.send)  # a coroutine that is never awaited is named in a warning
    async def send_watched(
        wrapped: Callable[..., Any], request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        exchange = open_exchange(recorder, partial(parse, request))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        observer = ResponseObserver(exchange, items, [*items(request.headers)])
        with (
            sending(exchange, module.__name__, is_transport),
            _body_replaced(module, request, exchange.replacement_body),
        ):
            try:
                response = await wrapped(*args, **{**kwargs, "stream": True})
            except Exception as error:
                observer.observe_rejected(response_of(error, module.Response, partial(_is_for, request)))
                raise
        observer.observe(response, tee, None if kwargs.get("stream") else retain)
        if kwargs.get("stream"):
            return response
        try:
            await response.aread()
        except BaseException as error:
            observer.on_read_error(error)
            await response.aclose()
            raise
        observer.on_read(response)
        return response

    return send


def stream_classes(base: type, *ours: type) -> tuple[Any, ...]:
    """Return our streams as subclasses of the client's own stream class."""
    return tuple(type("ByteStream", (each, base), {}) for each in ours)


def readers(module: ModuleType) -> tuple[HeaderItems, Callable[[Any], HttpRequest], IsTransport]:
    """Return what lists a header object's items, what parses a request, and what recognises a transport's frame."""
    items = header_items(module)
    return items, partial(parse_request, items), _transport_check(module)


def _transport_check(module: ModuleType) -> IsTransport:
    """Return what recognises a transport's frame: the name of the one method by which the client calls transports.

    For a version without that method, the names of the transports' own methods.
    """
    names = (_SINGLE,) if hasattr(module.Client, _SINGLE) else _TRANSPORTS
    library = module.__name__

    def is_transport(frame: FrameType) -> bool | None:
        if frame.f_code.co_name not in names:
            return None
        return True if names is _TRANSPORTS or module_of(frame).partition(".")[0] == library else None

    return is_transport


_SINGLE = "_send_single_request"
_TRANSPORTS = ("handle_request", "handle_async_request")


def _body_replaced(module: ModuleType, request: Any, body: bytes | None) -> AbstractContextManager[None]:
    """Send another body in place of the request's, if there is one."""
    return _UNCHANGED if body is None else _replaced(module, request, body)


_UNCHANGED = nullcontext()


@contextmanager
def _replaced(module: ModuleType, request: Any, body: bytes) -> Iterator[None]:
    """Replace the body of a request while it is sent, and restore it, since the request is the application's."""
    before = request._content, request.stream, request.headers.get(_LENGTH)  # noqa: SLF001 - where it stores a body
    _set_body(request, body, module.ByteStream(body), str(len(body)))
    try:
        yield
    finally:
        _set_body(request, *before)


def _set_body(request: Any, content: bytes, stream: Any, length: str | None) -> None:
    request._content, request.stream = content, stream  # noqa: SLF001 - see above
    if length is not None and _LENGTH in request.headers:  # a request may be sent in chunks instead
        request.headers[_LENGTH] = length


def _is_for(request: Any, response: Any) -> bool:
    return getattr(response, "_request", None) is request
