"""A network that is none: OpenRouter's bytes, handed over in the process by a transport of httpx or httpx2."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from types import ModuleType
from typing import Any

import traffic


def clients(module: ModuleType, events: Sequence[bytes]) -> tuple[Any, Any]:
    """Return a synchronous and an asynchronous client of `module` (httpx or httpx2) that reach no network.

    A request that asks for a stream gets `events`, one a read; any other gets the plain answer.
    """
    answer = _answers(module, _stream(module, events))

    class Transport(module.BaseTransport, module.AsyncBaseTransport):
        def handle_request(self, request: Any) -> Any:
            return answer(request)

        async def handle_async_request(self, request: Any) -> Any:
            await asyncio.sleep(0)
            return answer(request)

    return module.Client(transport=Transport()), module.AsyncClient(transport=Transport())


def _answers(module: ModuleType, stream: Callable[[], Any]) -> Callable[[Any], Any]:
    body = traffic.body()
    plain = [("content-type", "application/json"), ("content-length", str(len(body))), *traffic.HEADERS]
    streamed = [("content-type", "text/event-stream"), *traffic.HEADERS]

    def answer(request: Any) -> Any:
        if b'"stream":true' in request.content.replace(b" ", b""):
            return module.Response(200, headers=streamed, stream=stream(), request=request)
        return module.Response(200, headers=plain, stream=module.ByteStream(_received(body)), request=request)

    return answer


def _stream(module: ModuleType, events: Sequence[bytes]) -> Callable[[], Any]:
    class Events(module.SyncByteStream, module.AsyncByteStream):
        def __init__(self) -> None:
            self._left = iter(events)  # as on a socket: the SDK drains in a second loop what its first has left

        def __iter__(self) -> Iterator[bytes]:
            for event in self._left:
                yield _received(event)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            for event in self._left:
                await asyncio.sleep(0)
                yield _received(event)

        def close(self) -> None:
            pass

        async def aclose(self) -> None:
            pass

    return Events


def _received(data: bytes) -> bytes:
    """Return the bytes as a new object, as a socket would."""
    return data[:-1] + data[-1:]
