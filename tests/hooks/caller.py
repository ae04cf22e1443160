"""A scenario, written once for the synchronous and asynchronous clients of each library, and run bare and hooked."""

import inspect
import pickle
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import anyio
import httpx
import httpx2
import pytest

from tests.support.watched import Watched, watched


@dataclass(frozen=True)
class Kind:
    """One of the four clients."""

    library: Any
    asynchronous: bool

    def __str__(self) -> str:
        return self.library.__name__ + ("-async" if self.asynchronous else "")

    @property
    def client(self) -> Any:
        return self.library.AsyncClient if self.asynchronous else self.library.Client

    @property
    def byte_stream(self) -> Any:
        return self.library.AsyncByteStream if self.asynchronous else self.library.SyncByteStream


KINDS = tuple(Kind(library, asynchronous) for library in (httpx, httpx2) for asynchronous in (False, True))
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


class Caller:
    """A client of either sort, called the same way."""

    def __init__(self, kind: Kind, client: Any) -> None:
        self.kind = kind
        self.library = kind.library
        self.client = client

    async def do(self, method: str, *args: Any, **kwargs: Any) -> Any:
        return await finished(getattr(self.client, method)(*args, **kwargs))

    async def open(self, url: str, **kwargs: Any) -> Any:
        return await self.do("send", self.client.build_request("POST", url, **kwargs), stream=True)

    async def read(self, response: Any) -> bytes:
        return await finished(response.aread() if self.kind.asynchronous else response.read())

    async def close(self, response: Any) -> None:
        await finished(response.aclose() if self.kind.asynchronous else response.close())

    async def pieces(self, response: Any, how: str, **kwargs: Any) -> list[Any]:
        """Read the body by `iter_bytes` and the like to its end."""
        if self.kind.asynchronous:
            return [piece async for piece in getattr(response, f"a{how}")(**kwargs)]
        return list(getattr(response, how)(**kwargs))

    @asynccontextmanager
    async def streaming(self, url: str, **kwargs: Any) -> AsyncIterator[Any]:
        """Open a stream as most applications do: `with client.stream(...) as response`."""
        block = self.client.stream("POST", url, **kwargs)
        if self.kind.asynchronous:
            async with block as response:
                yield response
        else:
            with block as response:
                yield response

    def iterator(self, response: Any) -> Any:
        """Return the client's own generator over the body."""
        return response.aiter_bytes() if self.kind.asynchronous else response.iter_bytes()

    async def step(self, iterator: Any) -> Any:
        """Return the next piece."""
        return await anext(iterator) if self.kind.asynchronous else next(iterator)

    async def loop(self, response: Any, leave: Callable[[bytes], Any]) -> None:
        """Loop over the body, and `break` out of it when `leave` says so."""
        if self.kind.asynchronous:
            async for piece in response.aiter_bytes():
                if leave(piece):
                    break
        else:
            for piece in response.iter_bytes():
                if leave(piece):
                    break


Scenario = Callable[[Caller], Awaitable[Any]]


async def finished(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


@asynccontextmanager
async def calling(kind: Kind, **options: Any) -> AsyncIterator[Caller]:
    client = kind.client(**{"verify": False, **options})  # every server here speaks plain HTTP; certificates are slow
    try:
        yield Caller(kind, client)
    finally:
        await finished(client.aclose() if kind.asynchronous else client.close())


def run(kind: Kind, scenario: Scenario, options: Callable[[], dict[str, Any]] = dict, backend: str = "asyncio") -> Any:
    """Return what a scenario gives with a client of its own; an exception is a result too."""

    async def main() -> Any:
        async with calling(kind, **options()) as caller:
            try:
                return await scenario(caller)
            except Exception as error:  # noqa: BLE001 - what is raised is compared
                return described(error)

    return anyio.run(main, backend=backend)


def same(
    kind: Kind,
    host: str,
    scenario: Scenario,
    options: Callable[[], dict[str, Any]] = dict,
    backend: str = "asyncio",
) -> Watched:
    """Run a scenario bare and hooked, compare what the application sees, and return what we saw."""
    bare = run(kind, scenario, options, backend)
    with watched(host) as seen:
        hooked = run(kind, scenario, options, backend)
    assert hooked == bare
    return seen


def described(error: BaseException | None) -> Any:
    """Return what there is to see of an exception."""
    if error is None:
        return None
    request = getattr(error, "_request", None)
    asked = (request.method, str(request.url), request.headers.raw, _body(request)) if request is not None else None
    return type(error), str(error), repr(error.args), asked, described(error.__cause__), type(error.__context__)


def snapshot(response: Any) -> dict[str, Any]:
    """Return everything that there is to see of a response that was read."""
    return {
        **shell(response),
        "content": response.content,
        "text": response.text,
        "cookies": dict(response.cookies),
        "elapsed": type(response.elapsed),
        "pickled": (copy := pickle.loads(pickle.dumps(response))).content == response.content
        and copy.status_code == response.status_code,
    }


def shell(response: Any) -> dict[str, Any]:
    """Return what there is to see of a response, read or not."""
    library = httpx if isinstance(response, httpx.Response) else httpx2
    return {
        "class": type(response),
        "status": response.status_code,
        "reason": response.reason_phrase,
        "http_version": response.http_version,
        "headers": [pair for pair in response.headers.raw if pair[0].lower() != b"date"],
        "encoding": response.encoding,
        "url": str(response.url),
        "request": (response.request.method, response.request.headers.raw, _body(response.request)),
        "history": [shell(each) for each in response.history],
        "downloaded": response.num_bytes_downloaded,
        "closed": response.is_closed,
        "consumed": response.is_stream_consumed,
        "stream": [isinstance(response.stream, kind) for kind in (library.SyncByteStream, library.AsyncByteStream)],
        "extensions": sorted(response.extensions),
        "attributes": sorted(vars(response)),
        "repr": repr(response),
    }


def _body(request: Any) -> bytes | None:
    try:
        return request.content
    except RuntimeError:
        return None
