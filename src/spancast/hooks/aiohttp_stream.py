"""The `content` of an aiohttp response while it is listened to.

The connection fills it and the application reads it, so that nothing can stand in its place. It stays that very
object; only its class becomes a kind of its own that shows the exchange what is read, when it is read. How it ended is
seen where aiohttp notes it: at the end of the body, in the exception set on it (a lost connection, a closed response),
and when nobody holds the response any more.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import finalize

from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed

Hear = Callable[[Any, Exchange, bool], None]
"""Listens to the body of a response for an exchange; told whether it is one decoded object, to be taken at once."""

_popleft = deque[bytes].popleft


class _Buffer(deque[bytes]):
    """What has come and is not read yet; a chunk is shown once, when the first byte of it is read.

    It carries what a stream, which has slots, has no room for.
    """

    __slots__ = ("again", "cancelled", "ended", "exchange", "held", "whole")

    def __init__(self, chunks: deque[bytes], exchange: Exchange, *, whole: bool, ended: bool) -> None:
        super().__init__(chunks)
        self.exchange = exchange
        self.whole = whole
        """Whether the body is one object, and may be taken at once."""
        self.ended = ended
        """Whether no more comes."""
        self.again = 0
        """How many bytes at its beginning have been shown already."""
        self.held = False
        """Whether it is being read to be taken at once."""
        self.cancelled = False
        """Whether the last one who waited for more was cancelled."""

    def popleft(self) -> bytes:
        """Take a chunk that is read to its end."""
        chunk = _popleft(self)
        if self.again:
            self._feed_new(chunk)
        else:
            self.exchange.feed(chunk)
        if self.ended and not self:
            self.end()
        return chunk

    def begin(self) -> None:
        """Show the first chunk, of which a part is read."""
        if not self.again:
            self.exchange.feed(self[0])
            self.again = len(self[0])

    def end(self) -> None:
        """Take note that no more comes; finish where all has been read, and is not to be taken at once."""
        self.ended = True
        if not self and not self.held:
            self.exchange.finish("completed")

    def _feed_new(self, chunk: bytes) -> None:
        if rest := chunk[self.again :]:
            self.exchange.feed(rest)
        self.again = max(0, self.again - len(chunk))

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
            buffer = _Buffer(stream._buffer, exchange, whole=whole, ended=stream.is_eof())  # noqa: SLF001 - ours too
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
    """Return the kind of stream that is listened to.

    It has the one base, so that its instances are laid out as those of the base, whatever slots that has. What runs
    for each chunk names it, since `super()` costs an object.
    """
    base = module.StreamReader

    class StreamReader(base):  # type: ignore[misc,valid-type]  # see above
        __slots__ = ()

        async def read(self, n: int = -1) -> Any:
            """Read as ever; a whole body is shown whole, whatever its length, since its reader holds it anyway."""
            buffer = self._buffer
            if n >= 0 or not buffer.whole or self._cursor:
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
            self._buffer.end()

        def set_exception(self, exc: BaseException, *cause: Any, **named: Any) -> None:
            super().set_exception(exc, *cause, **named)
            _fail(self._buffer.exchange, exc, module)

        def unread_data(self, data: bytes) -> None:
            buffer = self._buffer
            shown = self._cursor - self._buffer_offset + buffer.again
            super().unread_data(data)
            buffer.again = max(0, shown - self._cursor)

        async def _wait(self, func_name: str) -> None:
            buffer = self._buffer
            try:
                await base._wait(self, func_name)  # noqa: SLF001 - see above
            except asyncio.CancelledError:  # perhaps by a deadline for this read alone
                buffer.cancelled = True
                raise
            except Exception as error:
                if self._waiter is None:  # else another one waits, and only this one was refused
                    buffer.exchange.fail(error)
                raise
            buffer.cancelled = False

        async def readuntil(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return await base.readuntil(self, *args, **kwargs)
            finally:
                if self._buffer_offset:
                    self._buffer.begin()

        def _read_nowait(self, n: int) -> Any:
            try:
                data = base._read_nowait(self, n)  # noqa: SLF001 - see above
            except TimeoutError as error:  # the deadline of the whole request has passed between two reads
                self._buffer.exchange.fail(error)
                raise
            if self._buffer_offset:
                self._buffer.begin()
            return data

    StreamReader.__module__, StreamReader.__qualname__ = base.__module__, "StreamReader"
    return StreamReader
