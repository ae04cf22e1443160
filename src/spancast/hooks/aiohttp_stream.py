"""The `content` of an aiohttp response while its body is observed.

The connection fills that stream and the application reads it, so no wrapper can take its place. The object stays; its
class is replaced by a subclass that feeds the exchange what the application reads, when it reads it. The end shows
where aiohttp marks it: at the end of the body, in the exception set on the stream (a lost connection, a closed
response), and when the response is collected.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from types import ModuleType
from typing import Any
from weakref import finalize

from spancast.capture.exchange import Exchange
from spancast.capture.tee import closed

ObserveBody = Callable[[Any, Exchange, bool], None]
"""Observes the body of a response for an exchange; the flag says that it is one decoded object, read as a whole."""

_popleft = deque[bytes].popleft


class _Buffer(deque[bytes]):
    """The chunks that were received and not read yet. A chunk is fed when its first byte is read.

    It holds the state for which the stream, which has slots, has no room.
    """

    __slots__ = ("cancelled", "ended", "exchange", "fed_bytes", "reading_whole", "whole")

    def __init__(self, chunks: deque[bytes], exchange: Exchange, *, whole: bool, ended: bool) -> None:
        super().__init__(chunks)
        self.exchange = exchange
        self.whole = whole
        """Whether the body is one object, which may be passed as a whole."""
        self.ended = ended
        """Whether all of the body has been received."""
        self.fed_bytes = 0
        """Bytes at the front that have been fed already."""
        self.reading_whole = False
        """Whether the body is being read to be passed as a whole."""
        self.cancelled = False
        """Whether the last wait for more was cancelled."""

    def popleft(self) -> bytes:
        """Remove a chunk that is read to its end."""
        chunk = _popleft(self)
        if self.fed_bytes:
            self._feed_rest(chunk)
        else:
            self.exchange.feed(chunk)
        if self.ended and not self:
            self.end()
        return chunk

    def feed_first(self) -> None:
        """Feed the first chunk, of which a part has been read."""
        if not self.fed_bytes:
            self.exchange.feed(self[0])
            self.fed_bytes = len(self[0])

    def end(self) -> None:
        """Mark the body as received; finish if all of it has been read, unless it is passed as a whole."""
        self.ended = True
        if not self and not self.reading_whole:
            self.exchange.finish("completed")

    def _feed_rest(self, chunk: bytes) -> None:
        if rest := chunk[self.fed_bytes :]:
            self.exchange.feed(rest)
        self.fed_bytes = max(0, self.fed_bytes - len(chunk))

    def abandon(self) -> None:
        """Finish when the response is collected, since nobody can read on."""
        self.exchange.finish("cancelled" if self.cancelled else "abandoned")


def body_observer(module: ModuleType) -> ObserveBody:
    """Return what observes a stream of exactly the class `aiohttp.StreamReader`."""
    observed_class = _observed_class(module)

    def observe_body(response: Any, exchange: Exchange, whole: bool) -> None:
        stream = response.content
        if (error := stream.exception()) is not None:
            _fail(exchange, error, module)
        elif stream.at_eof():
            exchange.finish("completed")
        elif type(stream) is module.StreamReader:
            buffer = _Buffer(stream._buffer, exchange, whole=whole, ended=stream.is_eof())  # noqa: SLF001 - see below
            stream._buffer, stream.__class__ = buffer, observed_class  # noqa: SLF001 - from here on it is of our class
            finalize(response, buffer.abandon).atexit = False
        else:
            exchange.finish("closed")

    return observe_body


def _fail(exchange: Exchange, error: BaseException, module: ModuleType) -> None:
    """Finish by a stream's exception, which is of exactly this class if the application closed or released it."""
    if type(error) is module.ClientConnectionError:
        closed(exchange)
    else:
        exchange.fail(error)


def _observed_class(module: ModuleType) -> type:  # noqa: C901 - a class of short methods, whose base is known only here
    """Return the class of an observed stream.

    It has a single base, so that its instances have the layout of the base, whatever slots that has. Methods that run
    for each chunk call the base by name, since `super()` creates an object.
    """
    base = module.StreamReader

    class StreamReader(base):  # type: ignore[misc,valid-type]  # see above
        __slots__ = ()

        async def read(self, n: int = -1) -> Any:
            """Pass a whole body at once, whatever its length, since its reader holds it anyway."""
            buffer = self._buffer
            if n >= 0 or not buffer.whole or self._cursor:
                return await super().read(n)
            buffer.reading_whole = True
            try:
                content = await super().read(n)
            finally:
                buffer.reading_whole = False
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
            fed = self._cursor - self._buffer_offset + buffer.fed_bytes
            super().unread_data(data)
            buffer.fed_bytes = max(0, fed - self._cursor)

        async def _wait(self, func_name: str) -> None:
            buffer = self._buffer
            try:
                await base._wait(self, func_name)  # noqa: SLF001 - see above
            except asyncio.CancelledError:  # perhaps by a deadline for this read alone
                buffer.cancelled = True
                raise
            except Exception as error:
                if self._waiter is None:  # else another reader waits, and only this one was refused
                    buffer.exchange.fail(error)
                raise
            buffer.cancelled = False

        async def readuntil(self, *args: Any, **kwargs: Any) -> Any:
            try:
                return await base.readuntil(self, *args, **kwargs)
            finally:
                if self._buffer_offset:
                    self._buffer.feed_first()

        def _read_nowait(self, n: int) -> Any:
            try:
                data = base._read_nowait(self, n)  # noqa: SLF001 - see above
            except TimeoutError as error:  # the deadline of the whole request has passed between two reads
                self._buffer.exchange.fail(error)
                raise
            if self._buffer_offset:
                self._buffer.feed_first()
            return data

    StreamReader.__module__, StreamReader.__qualname__ = base.__module__, "StreamReader"
    return StreamReader
