"""httpx and httpx2: `send` is the one method that every request passes through, whatever transport carries it.

The request is always sent as a stream, so that the id in the headers is known before a body that may never come. For
a caller who did not ask to stream the body is read here, as the client itself would have read it, and closed on error.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import partial, wraps
from types import FrameType, ModuleType
from typing import Any

from spancast.capture.tee import AsyncTee, SyncTee
from spancast.hooks.client_request import only, watched
from spancast.hooks.httpx_answer import Answer, AsyncKept, SyncKept
from spancast.hooks.httpx_request import host_of, items_of, seen
from spancast.hooks.patching import Wrapper
from spancast.hooks.raised import answer_of
from spancast.hooks.sending import Carries, module_of, opened, under_way
from spancast.recording.recorder import Recorder

_LENGTH = "Content-Length"


def sync_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Client.send`."""
    tee, items = type("ByteStream", (SyncTee, module.SyncByteStream), {}), items_of(module)
    keep = type("ByteStream", (SyncKept, module.SyncByteStream), {})
    asked, carries = partial(seen, items), carrying(module)

    def send(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = only(args, kwargs)
        if not watched(recorder, host_of, request) or (exchange := opened(recorder, partial(asked, request))) is None:
            return wrapped(*args, **kwargs)
        answer = Answer(exchange, items, [*items(request.headers)])
        with under_way(exchange, module.__name__, carries), _sending(module, request, exchange.sends):
            try:
                response = wrapped(*args, **{**kwargs, "stream": True})
            except Exception as error:
                answer.refused(answer_of(error, module.Response, partial(_is_of, request)))
                raise
        answer.listen(response, tee, None if kwargs.get("stream") else keep)
        if kwargs.get("stream"):
            return response
        try:
            response.read()
        except BaseException as error:
            answer.cut(error)
            response.close()
            raise
        answer.read(response)
        return response

    return send


def async_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncClient.send`."""
    tee, items = type("ByteStream", (AsyncTee, module.AsyncByteStream), {}), items_of(module)
    keep = type("ByteStream", (AsyncKept, module.AsyncByteStream), {})
    asked, carries = partial(seen, items), carrying(module)

    def send(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = only(args, kwargs)
        if not watched(recorder, host_of, request):
            return wrapped(*args, **kwargs)
        return send_watched(wrapped, request, args, kwargs)

    @wraps(module.AsyncClient.send)  # a coroutine that is never awaited is named in a warning
    async def send_watched(
        wrapped: Callable[..., Any], request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        exchange = opened(recorder, partial(asked, request))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        answer = Answer(exchange, items, [*items(request.headers)])
        with under_way(exchange, module.__name__, carries), _sending(module, request, exchange.sends):
            try:
                response = await wrapped(*args, **{**kwargs, "stream": True})
            except Exception as error:
                answer.refused(answer_of(error, module.Response, partial(_is_of, request)))
                raise
        answer.listen(response, tee, None if kwargs.get("stream") else keep)
        if kwargs.get("stream"):
            return response
        try:
            await response.aread()
        except BaseException as error:
            answer.cut(error)
            await response.aclose()
            raise
        answer.read(response)
        return response

    return send


def carrying(module: ModuleType) -> Carries:
    """Return what tells a transport at work from a hook: the one method by which the client calls it, by name.

    A library that has it no more is asked for what it calls its transports by.
    """
    names = (_SINGLE,) if hasattr(module.Client, _SINGLE) else _TRANSPORTS
    library = module.__name__

    def carries(frame: FrameType) -> bool | None:
        if frame.f_code.co_name not in names:
            return None
        return True if names is _TRANSPORTS or module_of(frame).partition(".")[0] == library else None

    return carries


_SINGLE = "_send_single_request"
_TRANSPORTS = ("handle_request", "handle_async_request")


def _sending(module: ModuleType, request: Any, body: bytes | None) -> AbstractContextManager[None]:
    """Let the client send another body in the request's place, where there is one."""
    return _AS_IT_IS if body is None else _replaced(module, request, body)


_AS_IT_IS = nullcontext()


@contextmanager
def _replaced(module: ModuleType, request: Any, body: bytes) -> Iterator[None]:
    """Put another body in the request's place; the request is the application's own again behind it."""
    before = request._content, request.stream, request.headers.get(_LENGTH)  # noqa: SLF001 - where it keeps a body
    _put(request, body, module.ByteStream(body), str(len(body)))
    try:
        yield
    finally:
        _put(request, *before)


def _put(request: Any, content: bytes, stream: Any, length: str | None) -> None:
    request._content, request.stream = content, stream  # noqa: SLF001 - see above
    if length is not None and _LENGTH in request.headers:  # a request may be sent in chunks instead
        request.headers[_LENGTH] = length


def _is_of(request: Any, response: Any) -> bool:
    return getattr(response, "_request", None) is request
