"""The `content` of an aiohttp response while it is listened to.

The connection fills it and the application reads it, so that nothing can stand in its place. It stays that very
object; only its class becomes a kind of its own that shows the exchange what is read, when it is read. How it ended is
seen where aiohttp notes it: at the end of the body, in the exception set on it (a lost connection, a closed response),
and when nobody holds the response any more.
"""

import asyncio
from collections import deque
from operator import attrgetter
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, cast
from weakref import finalize

from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed

if TYPE_CHECKING:
    from aiohttp import StreamReader
else:
    StreamReader = object  # the class of the library that is hooked is known when it is

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


class Heard(StreamReader):
    """A stream that is listened to. A chunk is shown once, when the first byte of it is read."""

    __slots__ = ()

    closed_by: ClassVar[type[BaseException]]
    """The class of what aiohttp sets on the stream of a response that the application closes or releases."""

    @classmethod
    def end(cls, exchange: Exchange, error: BaseException) -> None:
        """Finish an exchange as the exception on its stream says."""
        if type(error) is cls.closed_by:
            closed(exchange)
        else:
            exchange.fail(error)

    @classmethod
    def hear(cls, response: Any, exchange: Exchange, *, whole: bool) -> None:
        """Listen to the body of a response; `whole` says whether it is one decoded object, and may be taken at once."""
        stream = response.content
        chunks, cursor, offset = _state(stream)
        buffer = _Buffer(chunks, exchange, cursor - offset, whole=whole)
        stream._buffer, stream.__class__ = buffer, cls  # noqa: SLF001 - from here on it is ours too
        finalize(response, buffer.drop).atexit = False

    async def read(self, n: int = -1) -> bytes:
        """Read as ever; a whole body is shown whole, whatever its length, since its reader holds it anyway."""
        buffer = self._hearing
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
        """Take the end of the body, which is the end of the exchange when everything has been read."""
        super().feed_eof()
        self._end_when_read()

    def set_exception(self, exc: BaseException, *cause: BaseException, **named: BaseException) -> None:
        """Take what ends the body early."""
        super().set_exception(exc, *cause, **named)
        self.end(self._hearing.exchange, exc)

    @property
    def _hearing(self) -> _Buffer:
        return cast("_Buffer", self._buffer)

    async def _wait(self, func_name: str) -> None:
        buffer = self._hearing
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

    def _read_nowait(self, n: int) -> bytes:
        try:
            return super()._read_nowait(n)
        except TimeoutError as error:  # the deadline of the whole request has passed between two reads
            self._hearing.exchange.fail(error)
            raise

    def _read_nowait_chunk(self, n: int) -> bytes:
        buffer = self._hearing
        if self._cursor >= buffer.shown:
            chunk = buffer[0]
            buffer.shown += len(chunk)
            buffer.exchange.feed(chunk)
        data = super()._read_nowait_chunk(n)
        self._end_when_read()
        return data

    def _end_when_read(self) -> None:
        buffer = self._hearing
        if self._eof and not buffer and not buffer.held:
            buffer.exchange.finish("completed")


def heard(module: ModuleType) -> type[Heard]:
    """Return the kind of `aiohttp.StreamReader` that is listened to."""
    plain = module.StreamReader
    members = {"__slots__": (), "__module__": plain.__module__, "closed_by": module.ClientConnectionError}
    return cast("type[Heard]", type(plain.__name__, (Heard, plain), members))
