"""httpx and httpx2: `send` is the one method that every request passes through, whatever transport carries it.

The request is always sent as a stream, so that the id in the headers is known before a body that may never come. For
a caller who did not ask to stream the body is read here, as the client itself would have read it, and closed on error.
What has come of it is kept until all of it has, for an error that comes instead.
"""

from collections.abc import AsyncIterator, Callable, Container, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from functools import partial, wraps
from operator import attrgetter
from types import FrameType, ModuleType
from typing import Any
from weakref import ref

from msgspec.structs import replace

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.headers import ANSWERED, ASKED
from spancast.capture.http_request import HttpRequest
from spancast.capture.tee import AsyncTee, SyncTee
from spancast.hooks.client_request import ENCODING, as_it_came, only, watched
from spancast.hooks.patching import Wrapper
from spancast.hooks.raised import answer_of
from spancast.hooks.sending import Carries, is_sending, module_of, opened, under_way
from spancast.recording.recorder import Recorder

Tee = Callable[[Any, Exchange], Any]
Keep = Callable[[Any], Any]
"""Makes what stands in the place of a stream that is read here."""
_Header = tuple[bytes, bytes, bytes]
"""A header's name as it is sent, the same in lower case, and the value."""
_Items = Callable[[Any], Iterable[_Header]]

_LENGTH = "Content-Length"
_host = attrgetter("url.host")


def sync_send(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Client.send`."""
    tee, items = type("ByteStream", (SyncTee, module.SyncByteStream), {}), _items(module)
    keep = type("ByteStream", (_SyncKept, module.SyncByteStream), {})
    seen, carries = partial(_seen, items), _carrying(module)

    def send(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = only(args, kwargs)
        if not watched(recorder, _host, request) or (exchange := opened(recorder, partial(seen, request))) is None:
            return wrapped(*args, **kwargs)
        answer = _Answer(exchange, items, [*items(request.headers)])
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
    tee, items = type("ByteStream", (AsyncTee, module.AsyncByteStream), {}), _items(module)
    keep = type("ByteStream", (_AsyncKept, module.AsyncByteStream), {})
    seen, carries = partial(_seen, items), _carrying(module)

    def send(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = only(args, kwargs)
        if not watched(recorder, _host, request):
            return wrapped(*args, **kwargs)
        return send_watched(wrapped, request, args, kwargs)

    @wraps(module.AsyncClient.send)  # a coroutine that is never awaited is named in a warning
    async def send_watched(
        wrapped: Callable[..., Any], request: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        exchange = opened(recorder, partial(seen, request))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        answer = _Answer(exchange, items, [*items(request.headers)])
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


def build_redirect(_module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `_build_redirect_request` of either client, which is called where an answer redirects.

    Behind a request to another host it may lead to one that is watched.
    """

    def build(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        request = wrapped(*args, **kwargs)
        if watched(recorder, _host, request):
            _led.set(ref(request))
        return request

    return build


_led: ContextVar[Callable[[], Any] | None] = ContextVar("spancast_httpx_redirect", default=None)
"""The last request, if it is there, that a redirect has led to a host that is watched."""


def _is_led(args: tuple[Any, ...]) -> bool:
    """Whether a redirect has led to what is sent, and this is no step of a call."""
    led = _led.get()
    return led is not None and bool(args) and led() is args[0] and not is_sending()


def _led_to(module: ModuleType, seen: Callable[[Any], HttpRequest], request: Any) -> HttpRequest:
    """Return what is asked by a request that was made of another: its body is a stream, which may be in memory."""
    body = b"".join(request.stream) if isinstance(request.stream, module.ByteStream) else None
    return replace(seen(request), body=body, replaceable=False)


def sync_single(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `Client._send_single_request`, which opens what a redirect has led to."""
    tee, items = type("ByteStream", (SyncTee, module.SyncByteStream), {}), _items(module)
    seen, carries = partial(_led_to, module, partial(_seen, items)), _carrying(module)

    def single(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if not _is_led(args) or (exchange := opened(recorder, partial(seen, args[0]))) is None:
            return wrapped(*args, **kwargs)
        answer = _Answer(exchange, items, [*items(args[0].headers)])
        with under_way(exchange, module.__name__, carries):
            response = wrapped(*args, **kwargs)
        answer.listen(response, tee, None)
        return response

    return single


def async_single(module: ModuleType, recorder: Recorder) -> Wrapper:
    """Return the wrapper of `AsyncClient._send_single_request`, which does the same."""
    tee, items = type("ByteStream", (AsyncTee, module.AsyncByteStream), {}), _items(module)
    seen, carries = partial(_led_to, module, partial(_seen, items)), _carrying(module)

    def single(wrapped: Callable[..., Any], _client: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return led(wrapped, args, kwargs) if _is_led(args) else wrapped(*args, **kwargs)

    async def led(wrapped: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        exchange = opened(recorder, partial(seen, args[0]))
        if exchange is None:
            return await wrapped(*args, **kwargs)
        answer = _Answer(exchange, items, [*items(args[0].headers)])
        with under_way(exchange, module.__name__, carries):
            response = await wrapped(*args, **kwargs)
        answer.listen(response, tee, None)
        return response

    return single


def _carrying(module: ModuleType) -> Carries:
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


def _seen(items: _Items, request: Any) -> HttpRequest:
    url, content = request.url, _content(request)
    form = _form(request) if content is None else None
    return HttpRequest(
        request.method,
        url.scheme,
        url.host,
        url.port,
        url.path,
        _read(items, request.headers, ASKED),
        content,
        form,
        replaceable=True,
        itself=request,
    )


def _items(module: ModuleType) -> _Items:
    """Return what gives headers with their names in lower case: each look-up in the client's own goes through all.

    Both libraries keep those names beside the ones that are sent; where one does not any more, they are made here.
    """
    kept = getattr(module.Headers([(b"A", b"b")]), "_list", None)
    return attrgetter("_list") if kept == [(b"A", b"a", b"b")] else _lowered


def _read(items: _Items, headers: Any, names: Container[bytes]) -> dict[str, str]:
    """Return those of the `names`; of what comes several times see `lowered` and `answered`."""
    found: dict[str, str] = {}
    for _, lowered, raw_value in items(headers):
        if lowered in names:
            name, value = lowered.decode("latin-1"), raw_value.decode("latin-1")
            if name not in found:
                found[name] = value
            elif name == ENCODING or names is not ANSWERED:
                found[name] += f", {value}"
    return found


def _lowered(headers: Any) -> Iterator[_Header]:
    return ((name, name.lower(), value) for name, value in headers.raw)


def _form(request: Any) -> dict[str, Any] | None:
    """Return the fields of a form that is written down as it is sent; a field without a value is a file."""
    fields = getattr(request.stream, "fields", None)
    return None if fields is None else {each.name: getattr(each, "value", None) for each in fields}


def _content(message: Any) -> bytes | None:
    """Return the body that is in memory; one that is streamed is not read for us."""
    try:
        content = message.content
    except RuntimeError:  # RequestNotRead or ResponseNotRead, of either library
        return None
    return content if isinstance(content, bytes) else None


def _is_of(request: Any, response: Any) -> bool:
    return getattr(response, "_request", None) is request


@dataclass(slots=True, eq=False)
class _Answer:
    """Shows the exchange a response."""

    exchange: Exchange
    items: _Items
    asked: list[_Header]
    """The headers of the request as they were before it was sent."""
    stream: Any = None
    """The client's own stream, while it is read here."""
    kept: "_Kept | None" = None
    """What stands in its place."""
    coded: bool = False
    """Whether the body has an encoding."""

    def listen(self, response: Any, tee: Tee, keep: Keep | None) -> None:
        """Show the headers, and put the tee in where the body will pass for a caller who streams.

        What is read here for one who does not is kept on its way, by `keep`.
        """
        try:
            events = self._heard(response)
            if response.is_stream_consumed or response.is_closed:  # one of the client's own event hooks was at it
                if not self._take(response) and keep is None:
                    self.exchange.finish("closed")
            elif events or keep is None:
                response.stream = tee(response.stream, self.exchange)
            else:
                self.stream = response.stream
                self.kept = response.stream = keep(self.stream)
        except Exception:  # noqa: BLE001 - the response is the application's
            guard.caught("hooks.httpx")
            self.exchange.finish("closed")

    def refused(self, response: Any) -> None:
        """Show what one of the client's own event hooks, or its `auth`, has refused, if there was an answer."""
        if response is not None:
            with guard.quietly("hooks.httpx"):
                self._heard(response)
                self._take(response)

    def read(self, response: Any) -> None:
        """Show the body that was read here, and give the response its stream again."""
        if self.stream is not None:
            response.stream = self.stream
        self._take(response)

    def cut(self, error: BaseException) -> None:
        """Show what had come of the body, and finish with what came instead of the rest."""
        for piece in () if self.kept is None else self.kept.come:
            self.exchange.feed(piece)
        self.exchange.fail(error)

    def _take(self, response: Any) -> bool:
        """Show a body that was read; return whether it was."""
        if (content := _content(response)) is None:
            return False
        if self.coded and type(getattr(response, "_decoder", None)).__name__ == _UNDECODED:
            as_it_came(content, self.exchange)
        else:
            self.exchange.body(content)
        return True

    def _heard(self, response: Any) -> bool:
        """Show the headers, those of the request first where they have changed; return whether events follow."""
        sent = response.request.headers
        if [*self.items(sent)] != self.asked:
            self.exchange.sent(_read(self.items, sent, ASKED))
        headers = _read(self.items, response.headers, ANSWERED)
        self.coded = ENCODING in headers
        return self.exchange.headers(response.status_code, headers)


_UNDECODED = "IdentityDecoder"
"""What a response decodes with where the client can undo none of its encodings."""


class _Kept:
    """Stands in the place of a stream of which all is taken, and keeps what has come for whoever is told of no end."""

    def __init__(self, stream: Any) -> None:
        self._heard = stream
        self.come: list[bytes] = []


class _SyncKept(_Kept):
    def __iter__(self) -> Iterator[bytes]:
        keep = self.come.append
        for chunk in self._heard:
            keep(chunk)
            yield chunk

    def close(self) -> None:
        self._heard.close()


class _AsyncKept(_Kept):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        keep = self.come.append
        async for chunk in self._heard:
            keep(chunk)
            yield chunk

    async def aclose(self) -> None:
        await self._heard.aclose()
