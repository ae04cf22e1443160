"""Calls by each client library itself, over loopback. Each work returns how many calls, and how many units, it was."""

import asyncio
import json
import os
from collections.abc import Callable
from typing import Any

import traffic

STREAM = {"model": traffic.MODEL, "messages": traffic.MESSAGES, "stream": True}
PLAIN = {"model": traffic.MODEL, "messages": traffic.MESSAGES}
HEADERS = {"content-type": "application/json", "authorization": "Bearer sk-none"}

Call = Callable[[str, bytes, bool], None]
"""Sends a body to a URL and reads the answer, as a stream if it is one."""


class Client:
    """One client, by its name in `CLIENTS`, at the server that `BENCH_SERVER` names."""

    def __init__(self, name: str) -> None:
        self._url = f"http://{os.environ['BENCH_SERVER']}/api/v1/chat/completions"
        self._call = CLIENTS[name]()
        self._plain, self._stream = (json.dumps(each, separators=(",", ":")).encode() for each in (PLAIN, STREAM))

    def plain(self, times: int) -> tuple[int, int]:
        for _ in range(times):
            self._call(self._url, self._plain, False)
        return times, times

    def stream(self, times: int) -> tuple[int, int]:
        for _ in range(times):
            self._call(self._url, self._stream, True)
        return times, times * traffic.EVENTS


def _httpx(name: str) -> Call:
    client = __import__(name).Client()

    def call(url: str, body: bytes, streams: bool) -> None:
        if not streams:
            client.post(url, content=body, headers=HEADERS)
            return
        with client.stream("POST", url, content=body, headers=HEADERS) as response:
            for _piece in response.iter_bytes():
                pass

    return call


def _async_httpx(name: str) -> Call:
    runner = asyncio.Runner()
    client = __import__(name).AsyncClient()

    async def do(url: str, body: bytes, streams: bool) -> None:
        if not streams:
            await client.post(url, content=body, headers=HEADERS)
            return
        async with client.stream("POST", url, content=body, headers=HEADERS) as response:
            async for _piece in response.aiter_bytes():
                pass

    return lambda *order: runner.run(do(*order))


def _aiohttp() -> Call:
    import aiohttp

    runner = asyncio.Runner()
    session: Any = None

    async def do(url: str, body: bytes, streams: bool) -> None:
        nonlocal session
        session = session or aiohttp.ClientSession()
        async with session.post(url, data=body, headers=HEADERS) as response:
            if not streams:
                await response.read()
                return
            async for _piece in response.content.iter_any():
                pass

    return lambda *order: runner.run(do(*order))


def _requests() -> Call:
    import requests

    session = requests.Session()

    def call(url: str, body: bytes, streams: bool) -> None:
        with session.post(url, data=body, headers=HEADERS, stream=streams) as response:
            for _piece in response.iter_content(None) if streams else ():
                pass

    return call


def _urllib3() -> Call:
    import urllib3

    pool = urllib3.PoolManager()

    def call(url: str, body: bytes, streams: bool) -> None:
        response = pool.request("POST", url, body=body, headers=HEADERS, preload_content=not streams)
        for _piece in response.stream(None) if streams else ():
            pass

    return call


def _urllib() -> Call:
    from urllib.request import Request, urlopen

    def call(url: str, body: bytes, streams: bool) -> None:
        with urlopen(Request(url, data=body, headers=HEADERS)) as response:
            if not streams:
                response.read()
                return
            while response.read1():
                pass

    return call


CLIENTS: dict[str, Callable[[], Call]] = {
    "httpx": lambda: _httpx("httpx"),
    "httpx async": lambda: _async_httpx("httpx"),
    "httpx2": lambda: _httpx("httpx2"),
    "httpx2 async": lambda: _async_httpx("httpx2"),
    "aiohttp": _aiohttp,
    "requests": _requests,
    "urllib3": _urllib3,
    "urllib": _urllib,
}
