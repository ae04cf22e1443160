"""Run by `test_memory`: the most memory that reading one answer takes, bare and hooked, over a transport in memory.

    python -m tests.hooks.measure KIND HOW SHAPE LENGTH...

Prints a JSON object: the bytes at the peak, bare at the first length and hooked at each, and what was booked.
"""

import asyncio
import gc
import json
import sys
import tracemalloc
from collections.abc import Callable, Iterator
from itertools import chain, repeat
from typing import Any

from tests.hooks.caller import KINDS, Caller, Kind
from tests.support.answers import COMMENT, JSON, PROMPT, SSE, STREAM, chunk, event, plain
from tests.support.watched import watched

URL = "https://openrouter.ai/api/v1/chat/completions"
MEGABYTE = 1024 * 1024
_END = STREAM[-3:]
_HEAD, _TAIL = plain().split(b"Hello there", 1)


def _tool_calls(count: int) -> Iterator[bytes]:
    for number in range(count):
        call = f'{{"index":{number},"id":"call_{number}","function":{{"name":"f","arguments":"1"}}}}'
        yield event(f'{{"choices":[{{"index":{number},"delta":{{"tool_calls":[{call}]}}}}]}}')


def _usages(count: int) -> Iterator[bytes]:
    for number in range(count):
        choice = f'{{"index":{number},"delta":{{"content":"x"}},"finish_reason":"stop{number}"}}'
        yield event(f'{{"id":"gen-{number}","choices":[{choice}],"usage":{{"prompt_tokens":{number}}}}}')


SHAPES: dict[str, Callable[[int], Iterator[bytes]]] = {
    "words": lambda count: chain(repeat(chunk("word"), count), _END),
    "comments": lambda count: chain(repeat(COMMENT, count), STREAM),
    "tool calls": lambda count: chain(_tool_calls(count), _END),
    "usages": lambda count: chain(_usages(count), _END),
    "one line": lambda count: chain([b"data: "], repeat(b"x" * 1000, count)),
    "megabytes": lambda count: chain([_HEAD], repeat(b"word " * (MEGABYTE // 5), count), [_TAIL]),
}


def transport(kind: Kind, headers: dict[str, str], pieces: Callable[[], Iterator[bytes]]) -> Any:
    """Return a transport that answers in these pieces, made as they are read."""

    class Stream(kind.byte_stream):
        def __iter__(self) -> Iterator[bytes]:
            return pieces()

        async def __aiter__(self) -> Any:
            for piece in pieces():
                yield piece

    class Transport(kind.library.AsyncBaseTransport if kind.asynchronous else kind.library.BaseTransport):
        def handle_request(self, _request: Any) -> Any:
            return kind.library.Response(200, headers=headers, stream=Stream())

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    return Transport()


async def read(caller: Caller, how: str) -> None:
    if how == "plain":
        await caller.do("post", URL, json=PROMPT)
        return
    async with caller.streaming(URL, json=PROMPT) as response:
        if caller.kind.asynchronous:
            async for _ in response.aiter_raw():
                pass
        else:
            for _ in response.iter_raw():
                pass


def peak(kind: Kind, how: str, pieces: Callable[[], Iterator[bytes]]) -> int:
    """Return the bytes that are allocated at the most while an answer is read."""

    async def main() -> int:
        client = kind.client(transport=transport(kind, SSE if how == "events" else JSON, pieces))
        gc.collect()
        tracemalloc.start()
        await read(Caller(kind, client), how)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    return asyncio.run(main())


def main(kind: Kind, how: str, shape: str, *lengths: int) -> None:
    def most(length: int) -> int:
        return peak(kind, how, lambda: SHAPES[shape](length))

    most(1)  # what is allocated once is no part of it
    bare = most(lengths[0])
    with watched() as seen:
        most(1)
        hooked = [most(length) for length in lengths]
    booked = [(call.outcome, call.error_type) for call in seen[1:]]
    print(json.dumps({"bare": bare, "hooked": hooked, "booked": booked}))  # noqa: T201


if __name__ == "__main__":
    main({str(kind): kind for kind in KINDS}[sys.argv[1]], *sys.argv[2:4], *map(int, sys.argv[4:]))
