"""The least that could be called recording, for the row below which no library can be."""

from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import msgspec
from opentelemetry.trace import Span, Tracer


class _Answer(msgspec.Struct):
    id: str | None = None
    model: str | None = None
    provider: str | None = None
    usage: dict[str, Any] | None = None


_read = msgspec.json.Decoder(_Answer).decode


class _Tee(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    def __init__(self, stream: Any, span: Span) -> None:
        self._stream = stream
        self._span = span
        self._last: deque[bytes] = deque(maxlen=2)  # the usage, and the end mark behind it

    def __iter__(self) -> Iterator[bytes]:
        keep = self._last.append
        try:
            for chunk in self._stream:
                keep(chunk)
                yield chunk
        finally:  # the SDK stops at the end mark, and drains the rest in a second loop
            self._end()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        keep = self._last.append
        try:
            async for chunk in self._stream:
                keep(chunk)
                yield chunk
        finally:
            self._end()

    def _end(self) -> None:
        if self._span.is_recording():
            _read(self._last[0][6:])
            self._span.end()


def install(tracer: Tracer) -> None:
    """Wrap `send` of both clients."""
    sync, asynchronous = httpx2.Client.send, httpx2.AsyncClient.send

    def send(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
        span = tracer.start_span("chat")
        return _listened(sync(client, request, stream=stream, **options), span, stream=stream)

    async def asend(client: Any, request: Any, *, stream: bool = False, **options: Any) -> Any:
        span = tracer.start_span("chat")
        return _listened(await asynchronous(client, request, stream=stream, **options), span, stream=stream)

    httpx2.Client.send = send
    httpx2.AsyncClient.send = asend


def _listened(response: Any, span: Span, *, stream: bool) -> Any:
    if stream:
        response.stream = _Tee(response.stream, span)
    else:
        _read(response.content)
        span.end()
    return response
