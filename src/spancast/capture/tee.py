"""The body on its way to the caller: every chunk is fed to the exchange, then passed on unchanged.

A tee replaces the client library's byte stream, is an instance of the same class, and may be iterated again: one client
stops at `[DONE]` and drains the rest in a second loop. Nothing is read ahead and nothing is stored.
"""

import sys
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterable, Iterator
from typing import Any, Protocol

from spancast.base import guard
from spancast.base.garbage import collecting
from spancast.capture.exchange import Exchange


class SyncStream(Iterable[bytes], Protocol):
    """A byte stream of a client library."""

    def close(self) -> None:
        """Release the connection."""
        ...


class AsyncStream(AsyncIterable[bytes], Protocol):
    """An asynchronous byte stream of a client library."""

    async def aclose(self) -> None:
        """Release the connection."""
        ...


class _Tee:
    """What both kinds share. `__getattr__` finds the attributes of the client's own stream, such as `elapsed`.

    Our attributes have names that hide none of the stream's: its own `_stream`, for one, has to stay visible.
    """

    def __init__(self, stream: Any, exchange: Exchange) -> None:
        self._inner = stream
        self._exchange = exchange

    def __getattr__(self, name: str) -> Any:
        if name == "_inner":  # a copy that was never initialised
            raise AttributeError(name)
        return getattr(self._inner, name)

    def __del__(self) -> None:
        exchange = self.__dict__.get("_exchange")
        if exchange is not None:
            exchange.finish("abandoned")


class SyncTee(_Tee):
    """A synchronous byte stream whose chunks are fed to an exchange."""

    _inner: SyncStream

    def __iter__(self) -> Iterator[bytes]:
        exchange = self._exchange
        feed = exchange.feed
        try:
            for chunk in self._inner:
                try:
                    feed(chunk)
                except Exception:  # noqa: BLE001 - the chunk is the caller's, whatever we make of it
                    guard.caught("capture.tee")
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            exchange.fail(error)
            raise
        exchange.finish("completed")

    def close(self) -> None:
        """Close the client's stream, and the exchange with it."""
        try:
            self._inner.close()
        finally:
            closed(self._exchange)


class AsyncTee(_Tee):
    """An asynchronous byte stream whose chunks are fed to an exchange."""

    _inner: AsyncStream

    async def __aiter__(self) -> AsyncIterator[bytes]:
        exchange = self._exchange
        feed = exchange.feed
        chunks = self._inner.__aiter__()
        try:
            async for chunk in chunks:
                try:
                    feed(chunk)
                except Exception:  # noqa: BLE001 - the chunk is the caller's, whatever we make of it
                    guard.caught("capture.tee")
                yield chunk
        except GeneratorExit:
            raise
        except BaseException as error:
            exchange.fail(error)
            raise
        finally:
            # A generator that is left early holds its connection until it is closed or collected.
            if isinstance(chunks, AsyncGenerator):
                await chunks.aclose()
        exchange.finish("completed")

    async def aclose(self) -> None:
        """Close the client's stream, and the exchange with it."""
        try:
            await self._inner.aclose()
        finally:
            closed(self._exchange)


def closed(exchange: Exchange) -> None:
    """Finish an answer that was closed early.

    Leaving a loop closes the client library's generator, which closes the answer: then it was the application.
    """
    if isinstance(sys.exception(), GeneratorExit) and not collecting():
        exchange.finish("closed")
    else:
        exchange.close()
