"""urllib3-future's response while it is listened to, which is `response.raw` of niquests.

It stays that very object; only its class becomes a kind of its own, which shows the exchange the bytes as they leave
the connection, before they are decoded. A body that is read at once is read while its response is made: there the head
is heard of what the connection has promised, and what had come of the body is found where the reading of it failed.
"""

from collections.abc import Iterable
from contextlib import suppress
from functools import cache
from inspect import iscoroutinefunction
from types import TracebackType
from typing import TYPE_CHECKING, Any

from spancast.base import guard
from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed
from spancast.hooks.client_request import ENCODING, answered

if TYPE_CHECKING:

    class _Raw:
        """What is used of the client's own class."""

        _fp: Any

        def _raw_read(self, *args: Any, **kwargs: Any) -> Any: ...
        def _decode(self, *args: Any, **kwargs: Any) -> bytes: ...
        def close(self) -> Any: ...
        def __del__(self) -> None: ...

else:
    _Raw = object  # the class of the library that is hooked is known when it is


class _Heard(_Raw):
    __slots__ = ()

    _exchange: Exchange

    def _take(self, data: bytes | None) -> bytes | None:
        if data:
            self._exchange.feed(data)
        if getattr(self._fp, "closed", True):
            self._exchange.finish("completed")
        return data

    def _failed(self, error: BaseException) -> None:
        with guard.quietly("hooks.urllib3"):
            self._exchange.feed(come_before(error))
        self._exchange.fail(error)

    def _decode(self, *args: Any, **kwargs: Any) -> bytes:
        try:
            return super()._decode(*args, **kwargs)
        except BaseException as error:  # nothing is read any more of what cannot be decoded
            self._exchange.fail(error)
            raise

    def __del__(self) -> None:
        self._exchange.finish("abandoned")
        super().__del__()


class _SyncHeard(_Heard):
    __slots__ = ()

    def _raw_read(self, *args: Any, **kwargs: Any) -> bytes | None:
        try:
            data = super()._raw_read(*args, **kwargs)
        except BaseException as error:
            self._failed(error)
            raise
        return self._take(data)

    def close(self) -> None:
        try:
            super().close()
        finally:
            closed(self._exchange)


class _AsyncHeard(_Heard):
    __slots__ = ()

    async def _raw_read(self, *args: Any, **kwargs: Any) -> bytes | None:
        try:
            data = await super()._raw_read(*args, **kwargs)
        except BaseException as error:
            self._failed(error)
            raise
        return self._take(data)

    async def close(self) -> None:
        try:
            await super().close()
        finally:
            closed(self._exchange)


def hear(raw: Any, exchange: Exchange) -> None:
    """Listen to the body behind a response.

    Raises:
        AttributeError: it is of a class that is not urllib3-future's.
    """
    kind: Any = type(raw)
    raw._exchange, raw.__class__ = exchange, _heard(kind)  # noqa: SLF001 - from here on it is ours too
    if getattr(raw._fp, "closed", False):  # noqa: SLF001 - as above
        exchange.finish("completed")


@cache
def _heard(kind: Any) -> type[_Heard]:
    mixin = _AsyncHeard if iscoroutinefunction(kind._raw_read) else _SyncHeard  # noqa: SLF001 - see the module's docstring
    heard: type[_Heard] = type(kind.__name__, (mixin, kind), {"__module__": kind.__module__})
    return heard


def come_before(error: BaseException) -> bytes:
    """Return what a read that failed had got of the body, which the client lets go of."""
    passed = (error.__cause__ or error).__traceback__
    while passed is not None:
        if passed.tb_frame.f_code.co_name == _RECEIVES:
            events = passed.tb_frame.f_locals.get("events", ())
            return b"".join(event.data for event in events if hasattr(event, "data"))
        passed = passed.tb_next
    return b""


_RECEIVES = "__exchange_until"
"""What receives until the events have come for which it was asked."""


def is_as_it_came(response: Any) -> bool:
    """Whether a body that was read to be decoded is as it came: the client knows of no decoder for it."""
    return ENCODING in getattr(response, "headers", ()) and getattr(response, "_decoder", True) is None


class Promised:
    """Shows the exchange the head of the one response that a connection promises, when it has come."""

    heeded = False
    """Whether there is nothing behind the head to be taken: there always is."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._begun = False

    def at(self, connection: Any) -> "_Attended":
        """Heed what a connection promises; one that promises in another way goes unheard."""
        return _Attended(self, connection)

    def head(self, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """Show the head, once."""
        if not self._begun:
            self._begun = True
            self.exchange.headers(status, answered(headers))


class _Attended:
    """A connection until it has promised a response, which may be read, and fail, before it is handed on."""

    __slots__ = ("_asks", "_connection", "_promised")

    def __init__(self, promised: Promised, connection: Any) -> None:
        self._promised = promised
        self._connection = connection

    def __enter__(self) -> None:
        self._asks: Any = getattr(self._connection, _ASKS, None)
        if self._asks is not None and hasattr(self._connection, "__dict__"):
            self._connection.__dict__.setdefault(_ASKS, self._ask)

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._leave()
        if error is not None:
            with guard.quietly("hooks.urllib3"):
                self._promised.exchange.feed(come_before(error))

    def _leave(self) -> None:
        """Leave the connection, which may be another thread's as soon as it has promised."""
        own = getattr(self._connection, "__dict__", {})
        if own.get(_ASKS) == self._ask:
            del own[_ASKS]

    def _ask(self, *args: Any, **kwargs: Any) -> Any:
        self._leave()
        try:
            promise = self._asks(*args, **kwargs)
        except BrokenPipeError as error:  # it may be answered all the same
            self._attend(getattr(error, "promise", None))
            raise
        self._attend(promise)
        return promise

    def _attend(self, promise: Any) -> None:
        with suppress(AttributeError, TypeError):  # it is of another class than it was
            kind: Any = type(promise)
            promise._promised, promise.__class__ = self._promised, _attended(kind)  # noqa: SLF001 - until it is kept


_ASKS = "request"
"""What a connection returns its promise from."""


@cache
def _attended(kind: Any) -> Any:
    """Return the kind of promise that shows the head when it is kept, and is again what it was."""
    response: Any = kind.response

    def kept(promise: Any, low: Any) -> None:
        promised, promise.__class__ = promise.__dict__.pop("_promised"), kind
        response.fset(promise, low)
        with guard.quietly("hooks.urllib3"):
            promised.head(low.status, low.msg.items())

    return type(kind.__name__, (kind,), {"__module__": kind.__module__, "response": property(response.fget, kept)})
