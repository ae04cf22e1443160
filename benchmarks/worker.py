"""One process that makes calls as it is told, a line of JSON at a time, and says what they cost it."""

import asyncio
import gc
import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any

import setups
import traffic
import transport

if TYPE_CHECKING:
    from collections.abc import Callable

SYNC_CHUNKS = 1000
ASYNC_CHUNKS = 200
CONCURRENT = 50


class Work:
    """The official SDK on a network that is none."""

    def __init__(self, ready: setups.Ready) -> None:
        self._ready = ready
        import httpx2
        from openai import AsyncOpenAI, OpenAI

        def options(client: Any) -> dict[str, Any]:
            return {"base_url": traffic.BASE_URL, "api_key": "sk-none", "http_client": client, "max_retries": 0}

        sync, _ = transport.clients(httpx2, traffic.stream(SYNC_CHUNKS))
        _, asynchronous = transport.clients(httpx2, traffic.stream(ASYNC_CHUNKS))
        self._sync = OpenAI(**options(sync))
        self._async = AsyncOpenAI(**options(asynchronous))
        self._runner = asyncio.Runner()

    def plain(self, times: int) -> int:
        for _ in range(times):
            self._sync.chat.completions.create(model=traffic.MODEL, messages=traffic.MESSAGES, temperature=0.7)
        return times

    def sync(self, times: int) -> int:
        chunks = 0
        for _ in range(times):
            for _chunk in self._sync.chat.completions.create(
                model=traffic.MODEL, messages=traffic.MESSAGES, temperature=0.7, stream=True
            ):
                chunks += 1
        return chunks

    def concurrent(self, times: int) -> int:
        return sum(self._runner.run(self._gather()) for _ in range(times))

    async def _gather(self) -> int:
        return sum(await asyncio.gather(*(self._stream() for _ in range(CONCURRENT))))

    async def _stream(self) -> int:
        chunks = 0
        async for _chunk in await self._async.chat.completions.create(
            model=traffic.MODEL, messages=traffic.MESSAGES, temperature=0.7, stream=True
        ):
            chunks += 1
        return chunks

    def cost(self, kind: str, times: int) -> dict[str, int]:
        """Return what `times` calls or streams of a kind cost: CPU time of this thread, and of all with a flush."""
        work: Callable[[int], int] = getattr(self, kind)
        self._ready.flush()
        gc.collect()
        app, everything = time.thread_time_ns(), time.process_time_ns()
        units = work(times)
        app = time.thread_time_ns() - app
        self._ready.flush()
        return {"units": units, "app": app, "all": time.process_time_ns() - everything, "seen": self._ready.seen()}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what a library prints is no answer
    work = Work(getattr(setups, sys.argv[1])())
    for line in sys.stdin:
        order = json.loads(line)
        answers.write(json.dumps(work.cost(order["kind"], order["times"])) + "\n")
        answers.flush()


main()
