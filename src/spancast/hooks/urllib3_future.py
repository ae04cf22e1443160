"""urllib3-future's response while it is listened to, which is `response.raw` of niquests.

It stays that very object; only its class becomes a kind of its own, which shows the exchange the bytes as they leave
the connection, before they are decoded.
"""

from functools import cache
from inspect import iscoroutinefunction
from typing import TYPE_CHECKING, Any

from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed

if TYPE_CHECKING:

    class _Raw:
        """What is used of the client's own class."""

        _fp: Any

        def _raw_read(self, *args: Any, **kwargs: Any) -> Any: ...
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

    def __del__(self) -> None:
        self._exchange.finish("abandoned")
        super().__del__()


class _SyncHeard(_Heard):
    __slots__ = ()

    def _raw_read(self, *args: Any, **kwargs: Any) -> bytes | None:
        try:
            data = super()._raw_read(*args, **kwargs)
        except BaseException as error:
            self._exchange.fail(error)
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
            self._exchange.fail(error)
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
