"""Calls by the official SDK on a network that is none. Each work returns how many calls, and how many units, it was."""

import asyncio
from typing import Any

import traffic
import transport

SYNC_CHUNKS = 1000
ASYNC_CHUNKS = 200
CONCURRENT = 50


class Sdk:
    """A synchronous and an asynchronous client of the openai library."""

    def __init__(self, async_chunks: int = ASYNC_CHUNKS) -> None:
        import httpx2
        from openai import AsyncOpenAI, OpenAI

        def options(client: Any) -> dict[str, Any]:
            return {"base_url": traffic.BASE_URL, "api_key": "sk-none", "http_client": client, "max_retries": 0}

        sync, _ = transport.clients(httpx2, traffic.stream(SYNC_CHUNKS))
        _, asynchronous = transport.clients(httpx2, traffic.stream(async_chunks))
        self._sync = OpenAI(**options(sync))
        self._async = AsyncOpenAI(**options(asynchronous))
        self._runner = asyncio.Runner()

    def plain(self, times: int) -> tuple[int, int]:
        for _ in range(times):
            self._sync.chat.completions.create(model=traffic.MODEL, messages=traffic.MESSAGES, temperature=0.7)
        return times, times

    def sync(self, times: int) -> tuple[int, int]:
        chunks = 0
        for _ in range(times):
            for _chunk in self._sync.chat.completions.create(
                model=traffic.MODEL, messages=traffic.MESSAGES, temperature=0.7, stream=True
            ):
                chunks += 1
        return times, chunks

    def concurrent(self, times: int) -> tuple[int, int]:
        chunks = sum(self._runner.run(self._gather()) for _ in range(times))
        return times * CONCURRENT, chunks

    async def _gather(self) -> int:
        return sum(await asyncio.gather(*(self._stream() for _ in range(CONCURRENT))))

    async def _stream(self) -> int:
        chunks = 0
        async for _chunk in await self._async.chat.completions.create(
            model=traffic.MODEL, messages=traffic.MESSAGES, temperature=0.7, stream=True
        ):
            chunks += 1
        return chunks
