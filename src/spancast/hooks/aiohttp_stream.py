"""The `content` of an aiohttp response while it is listened to.

The connection fills it and the application reads it, so that nothing can stand in its place. It stays that very
object; only its class becomes a kind of its own that shows the exchange what is read, when it is read. How it ended is
seen where aiohttp notes it: at the end of the body, in the exception set on it (a lost connection, a closed response),
and when nobody holds the response any more.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from operator import attrgetter
from types import ModuleType
from typing import Any
from weakref import finalize

from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed

Hear = Callable[[Any, Exchange, bool], None]
"""Listens to the body of a response for an exchange; told whether it is one decoded object, to be taken at once."""

_state = attrgetter("_buffer", "_cursor", "_buffer_offset")


class _Buffer(deque[bytes]):
    """What has come and is not read yet. It carries what a stream, which has slots, has no room for."""

    __slots__ = ("cancelled", "exchange", "held", "shown", "whole")

    def __init__(self, chunks: deque[bytes], exchange: Exchange, shown: int, *, whole: bool) -> None:
        super().__init__(chunks)
        self.exchange = exchange
        self.shown = shown
        """Where in the body the first chunk begins that was not shown."""
        self.whole = whole
        """Whether the body is one object, and may be taken at once."""
        self.held = False
        """Whether it is being read to be taken at once."""
        self.cancelled = False
        """Whether the last one who waited for more was cancelled."""

    def drop(self) -> None:
        """Finish, with nobody left who could read on."""
        self.exchange.finish("cancelled" if self.cancelled else "abandoned")


def hearing(module: ModuleType) -> Hear:
    """Return what listens to a stream of `aiohttp.StreamReader`; of no other class."""
    kind = _heard(module)

    def hear(response: Any, exchange: Exchange, whole: bool) -> None:
        stream = response.content
        if (error := stream.exception()) is not None:
            _fail(exchange, error, module)
        elif stream.at_eof():
            exchange.finish("completed")
        elif type(stream) is module.StreamReader:
            chunks, cursor, offset = _state(stream)
            buffer = _Buffer(chunks, exchange, cursor - offset, whole=whole)
            stream._buffer, stream.__class__ = buffer, kind  # noqa: SLF001 - from here on it is ours too
            finalize(response, buffer.drop).atexit = False
        else:
            exchange.finish("closed")

    return hear


def _fail(exchange: Exchange, error: BaseException, module: ModuleType) -> None:
    """Finish as the exception on a stream says: of this very class when the application closes or releases it."""
    if type(error) is module.ClientConnectionError:
        closed(exchange)
    else:
        exchange.fail(error)


def _heard(module: ModuleType) -> type:  # noqa: C901 - a class of short methods, whose base is known when it is hooked
    """Return the kind of stream that is listened to. A chunk is shown once, when the first byte of it is read.

    It has the one base, so that its instances are laid out as those of the base, whatever slots that has. What runs
    for each chunk names it, since `super()` costs an object.
    """
    base = module.StreamReader

    class StreamReader(base):  # type: ignore[misc,valid-type]  # see above
        __slots__ = ()

        async def read(self, n: int = -1) -> Any:
            """Read as ever; a whole body is shown whole, whatever its length, since its reader holds it anyway."""
            buffer = self._buffer
            if n >= 0 or not buffer.whole or buffer.shown:
                return await super().read(n)
            buffer.held = True
            try:
                content = await super().read(n)
            finally:
                buffer.held = False
            buffer.exchange.body(content)
            return content

        def feed_eof(self) -> None:
            super().feed_eof()
            self._end_when_read()

        def set_exception(self, exc: BaseException, *cause: Any, **named: Any) -> None:
            super().set_exception(exc, *cause, **named)
            _fail(self._buffer.exchange, exc, module)

        async def _wait(self, func_name: str) -> None:
            buffer = self._buffer
            try:
                await super()._wait(func_name)
            except asyncio.CancelledError:  # perhaps by a deadline for this read alone
                buffer.cancelled = True
                raise
            except Exception as error:
                if self._waiter is None:  # else another one waits, and only this one was refused
                    buffer.exchange.fail(error)
                raise
            buffer.cancelled = False

        def _read_nowait(self, n: int) -> Any:
            try:
                return base._read_nowait(self, n)  # noqa: SLF001 - see above
            except TimeoutError as error:  # the deadline of the whole request has passed between two reads
                self._buffer.exchange.fail(error)
                raise

        def _read_nowait_chunk(self, n: int) -> Any:
            buffer = self._buffer
            if self._cursor >= buffer.shown:
                chunk = buffer[0]
                buffer.shown += len(chunk)
                buffer.exchange.feed(chunk)
            data = base._read_nowait_chunk(self, n)  # noqa: SLF001 - see above
            if self._eof:
                self._end_when_read()
            return data

        def _end_when_read(self) -> None:
            buffer = self._buffer
            if self._eof and not buffer and not buffer.held:
                buffer.exchange.finish("completed")

    StreamReader.__module__, StreamReader.__qualname__ = base.__module__, "StreamReader"
    return StreamReader
