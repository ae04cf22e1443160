"""An `http.client` response while its body is observed: urllib3's, and so that of requests, and urllib's.

The response is the application's, or inside the one that is. It stays that object of that class, and so does the file
of its connection, `fp`, from which the body is read, by whatever method. Only the raw file that fills `fp` gets another
class, which passes to the exchange what the network brings, when it brings it: without the framing of HTTP/1.1, still
encoded. The end shows in the framing, in what the connection raises, and when the file is closed.
"""

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from spancast.base import guard
from spancast.base.garbage import collecting
from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed
from spancast.hooks.headers import fold
from spancast.hooks.http_framing import Chunked, Framing, Sized, Unsized

if TYPE_CHECKING:
    from types import FrameType

TranslateError = Callable[[Exception], Exception]
"""Returns the exception that the client library raises for one of its connection's."""


def untranslated(error: Exception) -> Exception:
    """Return the exception itself, for a client that lets those of `http.client` through."""
    return error


_BATCH_BYTES = 16 * 1024
"""Bytes of events that are fed together, once nothing in them is urgent."""
_EVENT_ENDS = (b"}\n\n\r\n", b"}\n\n")
"""How received data ends when it ends with a whole event, with the end of its chunk or without."""
_END_MARK = b"[DONE]"


class BodyObserver:
    """Feeds an exchange the body behind a response's head, as it is received.

    Once the answer has begun, whole events that do not end it are held for a while and fed together: nothing in them is
    urgent, and parsing the framing of each costs more than everything else.
    """

    __slots__ = ("exchange", "framing", "held", "held_bytes", "max_held_bytes", "translate_error")

    def __init__(self, exchange: Exchange, framing: Framing, translate_error: TranslateError) -> None:
        self.exchange = exchange
        self.framing = framing
        self.translate_error = translate_error
        self.held: list[bytes] = []
        """Data that was received and not fed yet."""
        self.held_bytes = 0
        """Bytes held so far."""
        self.max_held_bytes = 0
        """Most bytes to hold."""

    def on_data(self, data: bytes) -> None:
        """Feed the data that is held, and this."""
        self.held.append(data)
        data = b"".join(self.held)
        self.held.clear()
        self.held_bytes = 0
        try:
            try:
                self.framing.take(data, self._feed)
            except ValueError:
                self.exchange.fail(self.translate_error(_incomplete_read()))
                return
            if self.framing.over:
                self.exchange.finish("completed")
            elif not self.max_held_bytes and self.exchange.may_batch:
                self.max_held_bytes = _BATCH_BYTES
        except Exception:  # noqa: BLE001 - what was read is the application's, whatever we make of it
            guard.caught("hooks.http")

    def on_end(self) -> None:
        """Finish when the connection has ended."""
        with guard.quietly("hooks.http"):
            self.on_data(b"")
            if self.framing.open_ended:
                self.exchange.finish("completed")
            elif not self.framing.over:
                self.exchange.fail(self.translate_error(_incomplete_read()))

    def on_error(self, error: BaseException) -> None:
        """Finish with what the connection raised."""
        with guard.quietly("hooks.http"):
            self.on_data(b"")
            self.exchange.fail(self.translate_error(error) if isinstance(error, Exception) else error)

    def on_close(self, *, collected: bool) -> None:
        """Finish when the file is closed before the end of the body, or is collected."""
        with guard.quietly("hooks.http"):
            self.on_data(b"")
            if collected:
                self.exchange.finish("abandoned")
            else:
                closed(self.exchange)

    def _feed(self, data: bytes) -> None:
        try:
            self.exchange.feed(data)
        except Exception:  # noqa: BLE001 - the framing is to go on
            guard.caught("hooks.http")


@cache
def _observed_class(kind: Any) -> Any:
    """Return the class of a raw file that passes what it reads to its observer.

    Methods call the base by name, since `super()` creates an object for each read.
    """

    class Observed(kind):  # type: ignore[misc]  # its class is the client's choice
        _observer: BodyObserver

        def readinto(self, buffer: Any, /) -> int | None:
            try:
                count: int | None = kind.readinto(self, buffer)
            except BaseException as error:
                self._observer.on_error(error)
                raise
            observer = self._observer
            if count:
                data = bytes(buffer[:count])
                size = observer.held_bytes + count
                if size <= observer.max_held_bytes and data.endswith(_EVENT_ENDS) and _END_MARK not in data:
                    observer.held_bytes = size
                    observer.held.append(data)
                else:
                    observer.on_data(data)
            elif count == 0:
                observer.on_end()
            return count

        def close(self) -> None:
            try:
                kind.close(self)
            finally:
                if not self._observer.framing.over:
                    self._observer.on_close(collected=collecting() or _is_finalizing())

    return _renamed(Observed, kind)


@cache
def _empty_class(kind: Any) -> Any:
    """Return the class of a raw file that has no data yet, so that a read returns only what is buffered already."""

    class Empty(kind):  # type: ignore[misc]  # as above
        def readinto(self, _buffer: Any, /) -> None:
            return None

    return _renamed(Empty, kind)


def _renamed(ours: Any, kind: Any) -> Any:
    ours.__module__, ours.__name__, ours.__qualname__ = kind.__module__, kind.__name__, kind.__qualname__
    return ours


def observe_file(file: Any, observer: BodyObserver) -> bool:
    """Observe the file of a connection, and pass what it has buffered of the body; return whether that is possible.

    It is not if no raw file fills it, or one of a class in C: then a test has made it, and no network.
    """
    raw: Any = getattr(file, "raw", None)
    kind: Any = type(raw)
    try:
        raw.__class__ = _empty_class(kind)
    except TypeError:
        return False
    try:
        buffered = file.peek()
    finally:
        raw._observer = observer  # noqa: SLF001 - from here on it is of our class
        raw.__class__ = _observed_class(kind)
    if buffered:
        observer.on_data(buffered)
    return True


def _incomplete_read() -> Exception:
    from http.client import IncompleteRead  # noqa: PLC0415 - loaded already where it is needed, and slow elsewhere

    return IncompleteRead(b"")


_CLOSING = frozenset({"close", "_close_conn"})
"""The methods of the client libraries by which a response closes its file, which closes the raw file."""


def _is_finalizing() -> bool:
    """Return whether a response's finalizer closes it, which sets an attribute of the response (CPython, `iobase.c`).

    No argument of `close` tells, and urllib3's response can be reached in no other way: urllib3 creates it later.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - that of `close` itself, which a finalizer may call as well
    while frame is not None and frame.f_code.co_name in _CLOSING:
        if getattr(frame.f_locals.get("self"), "_finalizing", False):
            return True
        frame = frame.f_back
    return False


@dataclass(slots=True)
class ResponseObserver:
    """Passes to the exchange the one response that a connection creates while it is observed."""

    exchange: Exchange
    translate_error: TranslateError = untranslated
    has_response: bool = False
    """Whether the response has been observed."""

    def observing(self, connection: Any) -> "_ObservedConnection":
        """Observe a connection of `http.client` in a `with` block; one of another kind is left alone."""
        return _ObservedConnection(self, connection)

    def on_headers(self, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """Pass the head of a response; a look-up in the headers of `http.client` scans all of them."""
        self.exchange.headers(status, fold(headers, is_response=True))

    def observe(self, response: Any) -> None:
        """Pass the head of a response, and observe its file."""
        if self.has_response:
            return
        self.has_response = True
        try:
            self.on_headers(response.status, response.headers.raw_items())
            framing = _framing(response)
            if framing.over or response.fp is None:
                self.exchange.finish("completed")
            elif not observe_file(response.fp, BodyObserver(self.exchange, framing, self.translate_error)):
                self.exchange.finish("closed")
        except Exception:  # noqa: BLE001 - the response is the application's
            self.exchange.finish("closed")
            guard.caught("hooks.http")

    def create_response(self, create: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return a response that is observed once its head has been read, which a proxy's response never is."""
        response = create(*args, **kwargs)
        with suppress(AttributeError):  # it is none of http.client's
            response.begin = partial(self._begin, response, response.begin)
        return response

    def _begin(self, response: Any, begin: Callable[[], None]) -> None:
        del response.begin
        begin()
        self.observe(response)


class _ObservedConnection:
    """A connection whose responses an observer creates inside the `with` block."""

    __slots__ = ("_before", "_connection", "_observer")

    def __init__(self, observer: ResponseObserver, connection: Any) -> None:
        self._observer = observer
        self._connection = connection

    def __enter__(self) -> None:
        create = getattr(self._connection, "response_class", None)
        own = getattr(self._connection, "__dict__", None)
        self._before: dict[str, Any] | None = None
        if create is not None and own is not None:
            self._before = {_RESPONSE_CLASS: own[_RESPONSE_CLASS]} if _RESPONSE_CLASS in own else {}
            own[_RESPONSE_CLASS] = partial(self._observer.create_response, create)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            own = self._connection.__dict__
            own.pop(_RESPONSE_CLASS, None)
            own.update(self._before)


_RESPONSE_CLASS = "response_class"
"""The attribute by which a connection creates its responses."""


def _framing(response: Any) -> Framing:
    if response.chunked:
        return Chunked()
    return Unsized() if response.length is None else Sized(response.length)
