"""urllib3-future's response while its body is observed; niquests has it as `response.raw`.

The object stays; its class is replaced by a subclass that feeds the exchange the bytes as they leave the connection,
before they are decoded. A body that is not streamed is read while its response is created: then the head is taken from
the promise that the connection returns, and the bytes before an error from the frames of the failed read.
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
from spancast.hooks.headers import CONTENT_ENCODING, fold

if TYPE_CHECKING:

    class _Raw:
        """What is used of the client's own class."""

        _fp: Any

        def _raw_read(self, *args: Any, **kwargs: Any) -> Any: ...
        def _decode(self, *args: Any, **kwargs: Any) -> bytes: ...
        def close(self) -> Any: ...
        def __del__(self) -> None: ...

else:
    _Raw = object  # the class of the library is known when it is hooked


class _Observed(_Raw):
    __slots__ = ()

    _exchange: Exchange

    def _on_data(self, data: bytes | None) -> bytes | None:
        if data:
            self._exchange.feed(data)
        if getattr(self._fp, "closed", True):
            self._exchange.finish("completed")
        return data

    def _on_error(self, error: BaseException) -> None:
        with guard.quietly("hooks.urllib3"):
            self._exchange.feed(received_before(error))
        self._exchange.fail(error)

    def _decode(self, *args: Any, **kwargs: Any) -> bytes:
        try:
            return super()._decode(*args, **kwargs)
        except BaseException as error:  # the client reads no further when it cannot decode
            self._exchange.fail(error)
            raise

    def __del__(self) -> None:
        self._exchange.finish("abandoned")
        super().__del__()


class _SyncObserved(_Observed):
    __slots__ = ()

    def _raw_read(self, *args: Any, **kwargs: Any) -> bytes | None:
        try:
            data = super()._raw_read(*args, **kwargs)
        except BaseException as error:
            self._on_error(error)
            raise
        return self._on_data(data)

    def close(self) -> None:
        try:
            super().close()
        finally:
            closed(self._exchange)


class _AsyncObserved(_Observed):
    __slots__ = ()

    async def _raw_read(self, *args: Any, **kwargs: Any) -> bytes | None:
        try:
            data = await super()._raw_read(*args, **kwargs)
        except BaseException as error:
            self._on_error(error)
            raise
        return self._on_data(data)

    async def close(self) -> None:
        try:
            await super().close()
        finally:
            closed(self._exchange)


def observe_body(raw: Any, exchange: Exchange) -> None:
    """Observe the body of a response.

    Raises:
        AttributeError: its class is not urllib3-future's.
    """
    kind: Any = type(raw)
    raw._exchange, raw.__class__ = exchange, _observed_class(kind)  # noqa: SLF001 - from here on it is of our class
    if getattr(raw._fp, "closed", False):  # noqa: SLF001 - as above
        exchange.finish("completed")


@cache
def _observed_class(kind: Any) -> type[_Observed]:
    is_async = iscoroutinefunction(kind._raw_read)  # noqa: SLF001 - see the module's docstring
    mixin = _AsyncObserved if is_async else _SyncObserved
    observed: type[_Observed] = type(kind.__name__, (mixin, kind), {"__module__": kind.__module__})
    return observed


def received_before(error: BaseException) -> bytes:
    """Return the bytes of the body that a failed read had received, which the client discards."""
    traceback = (error.__cause__ or error).__traceback__
    while traceback is not None:
        if traceback.tb_frame.f_code.co_name == _RECEIVING:
            events = traceback.tb_frame.f_locals.get("events", ())
            return b"".join(event.data for event in events if hasattr(event, "data"))
        traceback = traceback.tb_next
    return b""


_RECEIVING = "__exchange_until"
"""The function that receives until the expected events have come."""


def is_encoded(response: Any) -> bool:
    """Return whether a body is still encoded although it was read to be decoded: the client has no decoder for it."""
    return CONTENT_ENCODING in getattr(response, "headers", ()) and getattr(response, "_decoder", True) is None


class PromiseObserver:
    """Passes to the exchange the head of the one response that a connection promises, once it is received."""

    has_response = False
    """Always `False`: only the head comes from the promise, and the body is still to be observed."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self._has_headers = False

    def observing(self, connection: Any) -> "_ObservedConnection":
        """Observe a connection's promise in a `with` block; a connection of another kind is left alone."""
        return _ObservedConnection(self, connection)

    def on_headers(self, status: int, headers: Iterable[tuple[Any, Any]]) -> None:
        """Pass the head, once."""
        if not self._has_headers:
            self._has_headers = True
            self.exchange.headers(status, fold(headers, is_response=True))


class _ObservedConnection:
    """A connection until it returns its promise; the response may be read, and fail, before it is returned."""

    __slots__ = ("_connection", "_observer", "_request")

    def __init__(self, observer: PromiseObserver, connection: Any) -> None:
        self._observer = observer
        self._connection = connection

    def __enter__(self) -> None:
        self._request: Any = getattr(self._connection, _REQUEST, None)
        if self._request is not None and hasattr(self._connection, "__dict__"):
            self._connection.__dict__.setdefault(_REQUEST, self._observed_request)

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._restore()
        if error is not None:
            with guard.quietly("hooks.urllib3"):
                self._observer.exchange.feed(received_before(error))

    def _restore(self) -> None:
        """Restore the connection, which another thread may use as soon as it has returned its promise."""
        own = getattr(self._connection, "__dict__", {})
        if own.get(_REQUEST) == self._observed_request:
            del own[_REQUEST]

    def _observed_request(self, *args: Any, **kwargs: Any) -> Any:
        self._restore()
        try:
            promise = self._request(*args, **kwargs)
        except BrokenPipeError as error:  # a response may follow nevertheless
            self._observe(getattr(error, "promise", None))
            raise
        self._observe(promise)
        return promise

    def _observe(self, promise: Any) -> None:
        with suppress(AttributeError, TypeError):  # the library has changed its class
            kind: Any = type(promise)
            promise._observer, promise.__class__ = self._observer, _promise_class(kind)  # noqa: SLF001 - see there


_REQUEST = "request"
"""The method of a connection that returns its promise."""


@cache
def _promise_class(kind: Any) -> Any:
    """Return the class of a promise that passes the head when its response is set, and then restores its class."""
    response: Any = kind.response

    def set_response(promise: Any, low: Any) -> None:
        observer, promise.__class__ = promise.__dict__.pop("_observer"), kind
        response.fset(promise, low)
        with guard.quietly("hooks.urllib3"):
            observer.on_headers(low.status, low.msg.items())

    observed = property(response.fget, set_response)
    return type(kind.__name__, (kind,), {"__module__": kind.__module__, "response": observed})
