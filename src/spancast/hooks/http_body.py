"""A response of `http.client` while its body is listened to: urllib3's, and so that of requests, and urllib's.

The response is the application's, or inside the one that is. It stays that very object of that very class, and only the
file of its connection, `fp`, is put in an ear: whatever reads the body, by whatever method, reads it from there. What
passes is shown to the exchange without the framing of HTTP/1.1, still encoded. How it ended is seen at the end that the
framing tells, in what the connection raises, and when the file is closed.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

from spancast import guard
from spancast.capture.collector import collecting
from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed
from spancast.hooks.http_framing import CRLF, Chunked, Framing, Sized, Unsized
from spancast.hooks.http_request import lowered

Told = Callable[[Exception], Exception]
"""Makes of what the connection raised what the client library makes of it."""


def in_its_own_words(error: Exception) -> Exception:
    """Return what `http.client` lets through as it is."""
    return error


class Ear:
    """The file of a connection, with what is read from it shown to the exchange. `__getattr__` gives all the rest."""

    def __init__(self, file: Any, exchange: Exchange, framing: Framing, told: Told) -> None:
        self._heard = file
        self._exchange = exchange
        self._framing = framing
        self._told = told

    def read(self, size: int | None = -1, /) -> Any:
        """Read `size` bytes, or all there are; fewer come only where the connection ended."""
        try:
            data = self._heard.read(size)
        except BaseException as error:
            self._raised(error)
            raise
        if data and (count := len(data)) == size:
            framing = self._framing
            left = framing.left - count
            if left > 1:
                framing.left = left
                self._feed(data)
                return data
            if left == framing.gap and count == CRLF:
                framing.left = left
                return data
        self._hear(data, -1 if size is None else size)
        return data

    def read1(self, size: int = -1, /) -> Any:
        """Read what is there, and a byte at least unless the connection ended."""
        try:
            data = self._heard.read1(size)
        except BaseException as error:
            self._raised(error)
            raise
        framing = self._framing
        if data and (left := framing.left - len(data)) > 1:
            framing.left = left
            self._feed(data)
        else:
            self._hear(data, 1 if size else 0)
        return data

    def readinto(self, buffer: Any, /) -> Any:
        """Fill `buffer`; not to its end only where the connection ended."""
        try:
            count = self._heard.readinto(buffer)
        except BaseException as error:
            self._raised(error)
            raise
        if count is not None:
            with memoryview(buffer) as view:
                self._hear(bytes(view.cast("B")[:count]), view.nbytes)
        return count

    def readline(self, limit: int | None = -1, /) -> Any:
        """Read to the end of the line, or the connection, or `limit` bytes."""
        try:
            line = self._heard.readline(limit)
        except BaseException as error:
            self._raised(error)
            raise
        if not self._framing.begins(line):
            self._hear(line, 0 if line.endswith(b"\n") else -1 if limit is None else limit)
        return line

    def close(self) -> None:
        """Close the file, and the exchange with it."""
        try:
            self._heard.close()
        finally:
            try:
                self._end()
            except Exception:  # noqa: BLE001 - it is closed, whatever we make of it
                guard.caught("hooks.http")

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.readline, b"")

    def __getattr__(self, name: str) -> Any:
        if name == "_heard":  # a copy that was never initialised
            raise AttributeError(name)
        return getattr(self._heard, name)

    def __del__(self) -> None:
        exchange = self.__dict__.get("_exchange")
        if exchange is not None:
            exchange.finish("abandoned")

    def _raised(self, error: BaseException) -> None:
        with guard.quietly("hooks.http"):
            self._exchange.fail(self._told(error) if isinstance(error, Exception) else error)

    def _feed(self, data: bytes) -> None:
        try:
            self._exchange.feed(data)
        except Exception:  # noqa: BLE001 - what was read is the application's, whatever we make of it
            guard.caught("hooks.http")

    def _hear(self, data: bytes | None, wanted: int) -> None:
        """Show what was read; less than was `wanted`, or all there was (-1), is the last that comes."""
        if data is None:  # the socket does not block, and has nothing yet
            return
        framing = self._framing
        try:
            try:
                if data:
                    framing.take(data, self._feed)
            except ValueError:
                self._exchange.fail(self._told(_cut()))
                return
            if framing.over or wanted < 0 or len(data) < wanted:
                self._ended()
        except Exception:  # noqa: BLE001 - the same
            guard.caught("hooks.http")

    def _ended(self) -> None:
        """Finish with what is the last that comes."""
        framing, exchange = self._framing, self._exchange
        if framing.over or framing.open_ended:
            exchange.finish("completed")
        else:
            exchange.fail(self._told(_cut()))

    def _end(self) -> None:
        """Finish an answer whose connection was closed; early, unless its end has been heard.

        What nobody holds any more is closed by its finalizer, which may run in the midst of anything.
        """
        if self._framing.over:
            return
        if collecting() or _finalizing():
            self._exchange.finish("abandoned")
        else:
            closed(self._exchange)


def _cut() -> Exception:
    from http.client import IncompleteRead  # noqa: PLC0415 - loaded long ago where it is asked for, and slow elsewhere

    return IncompleteRead(b"")


_CLOSING = frozenset({"close", "_close_conn"})
"""The methods of the client libraries by which a response closes its file."""


def _finalizing() -> bool:
    """Whether a response is closed by its finalizer, which says so in an attribute of it (CPython, `iobase.c`).

    No argument of `close` tells, and the response of urllib3 is nowhere else to be had: it is made behind our back.
    """
    frame = sys._getframe(2).f_back  # noqa: SLF001 - the caller of `Ear.close`
    while frame is not None and frame.f_code.co_name in _CLOSING:
        if getattr(frame.f_locals.get("self"), "_finalizing", False):
            return True
        frame = frame.f_back
    return False


@dataclass(slots=True)
class Listener:
    """Shows the exchange the one response that a connection makes while it is listened to."""

    exchange: Exchange
    told: Told = in_its_own_words
    heeded: bool = False

    def at(self, connection: Any) -> "_Lent":
        """Listen to a connection of `http.client`; one that makes its responses in another way goes unheard."""
        return _Lent(self, connection)

    def listen(self, response: Any) -> None:
        """Show the exchange the head of a response, and put its file in an ear."""
        if self.heeded:
            return
        self.heeded = True
        try:
            # A look-up in its own headers goes through all of them.
            self.exchange.headers(response.status, lowered(response.headers.raw_items()))
            framing = _framing(response)
            if framing.over or response.fp is None:
                self.exchange.finish("completed")
            else:
                response.fp = Ear(response.fp, self.exchange, framing, self.told)
        except Exception:  # noqa: BLE001 - the response is the application's
            guard.caught("hooks.http")
            self.exchange.finish("closed")

    def made(self, make: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Return a response that is listened to when its head has been read, which that of a proxy never is."""
        response = make(*args, **kwargs)
        with suppress(AttributeError):  # it is none of http.client's
            response.begin = partial(self._begun, response, response.begin)
        return response

    def _begun(self, response: Any, begin: Callable[[], None]) -> None:
        del response.begin
        begin()
        self.listen(response)


class _Lent:
    """A connection while a listener makes its responses."""

    __slots__ = ("_before", "_connection", "_listener")

    def __init__(self, listener: Listener, connection: Any) -> None:
        self._listener = listener
        self._connection = connection

    def __enter__(self) -> None:
        make = getattr(self._connection, "response_class", None)
        own = getattr(self._connection, "__dict__", None)
        self._before: dict[str, Any] | None = None
        if make is not None and own is not None:
            self._before = {_MAKES: own[_MAKES]} if _MAKES in own else {}
            own[_MAKES] = partial(self._listener.made, make)

    def __exit__(self, *_: object) -> None:
        if self._before is not None:
            own = self._connection.__dict__
            own.pop(_MAKES, None)
            own.update(self._before)


_MAKES = "response_class"
"""What a connection makes its responses with."""


def _framing(response: Any) -> Framing:
    if response.chunked:
        return Chunked()
    return Unsized() if response.length is None else Sized(response.length)
