"""A response of `http.client` while its body is listened to: urllib3's, and so that of requests, and urllib's.

The response is the application's, or inside the one that is. It stays that very object of that very class, and so does
the file of its connection, `fp`, from which the body is read, by whatever method. Only what fills that one, its `raw`,
becomes a kind of its own, which shows the exchange what the network brings, when it brings it: without the framing of
HTTP/1.1, still encoded. How it ended is seen at the end that the framing tells, in what the connection raises, and when
it is closed.
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
from spancast.hooks.client_request import answered
from spancast.hooks.http_framing import Chunked, Framing, Sized, Unsized

if TYPE_CHECKING:
    from types import FrameType

Told = Callable[[Exception], Exception]
"""Makes of what the connection raised what the client library makes of it."""


def in_its_own_words(error: Exception) -> Exception:
    """Return what `http.client` lets through as it is."""
    return error


_BATCH = 16 * 1024
"""Bytes that are shown together, once nothing is urgent."""
_WHOLE_EVENT = (b"}\n\n\r\n", b"}\n\n")
"""How what has come ends when it ends with a whole event, with the end of its chunk or without."""
_END_MARK = b"[DONE]"


class Ear:
    """Shows an exchange the body behind a head, as it comes.

    Once the answer has begun, whole events that do not end it are held for a while, to be shown together: nothing in
    them is urgent, and to go through the framing of each costs more than all else.
    """

    __slots__ = ("exchange", "framing", "held", "limit", "size", "told")

    def __init__(self, exchange: Exchange, framing: Framing, told: Told) -> None:
        self.exchange = exchange
        self.framing = framing
        self.told = told
        self.held: list[bytes] = []
        """What has come and was not shown yet."""
        self.size = 0
        """How many bytes that are."""
        self.limit = 0
        """How many they may be."""

    def hear(self, data: bytes) -> None:
        """Show what was held, and what has come now."""
        self.held.append(data)
        data = b"".join(self.held)
        self.held.clear()
        self.size = 0
        try:
            try:
                self.framing.take(data, self._feed)
            except ValueError:
                self.exchange.fail(self.told(_cut()))
                return
            if self.framing.over:
                self.exchange.finish("completed")
            elif not self.limit and self.exchange.patient:
                self.limit = _BATCH
        except Exception:  # noqa: BLE001 - what was read is the application's, whatever we make of it
            guard.caught("hooks.http")

    def ended(self) -> None:
        """Finish where the connection has ended."""
        with guard.quietly("hooks.http"):
            self.hear(b"")
            if self.framing.open_ended:
                self.exchange.finish("completed")
            elif not self.framing.over:
                self.exchange.fail(self.told(_cut()))

    def raised(self, error: BaseException) -> None:
        """Finish with what the connection raised."""
        with guard.quietly("hooks.http"):
            self.hear(b"")
            self.exchange.fail(self.told(error) if isinstance(error, Exception) else error)

    def closed(self, *, dropped: bool) -> None:
        """Finish where the connection was closed before the end was heard."""
        with guard.quietly("hooks.http"):
            self.hear(b"")
            if dropped:
                self.exchange.finish("abandoned")
            else:
                closed(self.exchange)

    def _feed(self, data: bytes) -> None:
        try:
            self.exchange.feed(data)
        except Exception:  # noqa: BLE001 - the framing is to go on
            guard.caught("hooks.http")


@cache
def _heard(kind: Any) -> Any:
    """Return the kind of raw file that shows its ear what it reads; what runs for each read names its base.

    `super()` would cost an object there.
    """

    class Heard(kind):  # type: ignore[misc]  # of whatever class it is
        _ear: Ear

        def readinto(self, buffer: Any, /) -> int | None:
            try:
                count: int | None = kind.readinto(self, buffer)
            except BaseException as error:
                self._ear.raised(error)
                raise
            ear = self._ear
            if count:
                data = bytes(buffer[:count])
                size = ear.size + count
                if size <= ear.limit and data.endswith(_WHOLE_EVENT) and _END_MARK not in data:
                    ear.size = size
                    ear.held.append(data)
                else:
                    ear.hear(data)
            elif count == 0:
                ear.ended()
            return count

        def close(self) -> None:
            try:
                kind.close(self)
            finally:
                if not self._ear.framing.over:
                    self._ear.closed(dropped=collecting() or _finalizing())

    return _in_the_name_of(kind, Heard)


@cache
def _silent(kind: Any) -> Any:
    """Return the kind of raw file that has nothing to be read yet, so that what is read is what has come already."""

    class Silent(kind):  # type: ignore[misc]  # as above
        def readinto(self, _buffer: Any, /) -> None:
            return None

    return _in_the_name_of(kind, Silent)


def _in_the_name_of(kind: Any, ours: Any) -> Any:
    ours.__module__, ours.__name__, ours.__qualname__ = kind.__module__, kind.__name__, kind.__qualname__
    return ours


def listen_to(file: Any, ear: Ear) -> bool:
    """Listen to the file of a connection, and hear what it holds of the body already; return whether that can be.

    It cannot where nothing fills the file, or what does is of a class of C's: then it is no network's, but of a test's.
    """
    raw: Any = getattr(file, "raw", None)
    kind: Any = type(raw)
    try:
        raw.__class__ = _silent(kind)
    except TypeError:
        return False
    try:
        held = file.peek()
    finally:
        raw._ear = ear  # noqa: SLF001 - from here on it is ours too
        raw.__class__ = _heard(kind)
    if held:
        ear.hear(held)
    return True


def _cut() -> Exception:
    from http.client import IncompleteRead  # noqa: PLC0415 - loaded long ago where it is asked for, and slow elsewhere

    return IncompleteRead(b"")


_CLOSING = frozenset({"close", "_close_conn"})
"""The methods of the client libraries by which a response closes its file, which closes what fills it."""


def _finalizing() -> bool:
    """Whether a response is closed by its finalizer, which says so in an attribute of it (CPython, `iobase.c`).

    No argument of `close` tells, and the response of urllib3 is nowhere else to be had: it is made behind our back.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - that of `close` itself, which a finalizer may call as well
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

    def head(self, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """Show the exchange the head of a response; a look-up in the headers of `http.client` goes through all."""
        self.exchange.headers(status, answered(headers))

    def listen(self, response: Any) -> None:
        """Show the exchange the head of a response, and listen to its file."""
        if self.heeded:
            return
        self.heeded = True
        try:
            self.head(response.status, response.headers.raw_items())
            framing = _framing(response)
            if framing.over or response.fp is None:
                self.exchange.finish("completed")
            elif not listen_to(response.fp, Ear(self.exchange, framing, self.told)):
                self.exchange.finish("closed")
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
