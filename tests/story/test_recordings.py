"""Every recorded chat exchange, through every hooked client, gives exactly what it must."""

import asyncio
import random
from collections.abc import Callable, Iterator
from typing import Any

import aiohttp
import httpx
import httpx2
import pytest

from tests.support.recordings import Recording, differences, recordings
from tests.support.replay import Answer, Replay, replaying
from tests.support.shared import needs_shared
from tests.support.watching import watching

pytestmark = needs_shared


@pytest.fixture(scope="module")
def server() -> Iterator[Replay]:
    with replaying() as server:
        yield server


def send_all(client: Any, server: Replay, chosen: list[Recording], cut: Callable[[Recording], list[bytes]]) -> None:
    for recording in chosen:
        server.answer = Answer(recording.response["status"], recording.headers, cut(recording))
        if recording.stream:
            with client.stream("POST", server.url, content=recording.request_body) as response:
                body = b"".join(response.iter_bytes())
        else:
            body = client.post(server.url, content=recording.request_body).content
        assert body == recording.response["body"].encode()


async def send_all_async(
    client: Any, server: Replay, chosen: list[Recording], cut: Callable[[Recording], list[bytes]]
) -> None:
    for recording in chosen:
        server.answer = Answer(recording.response["status"], recording.headers, cut(recording))
        if recording.stream:
            async with client.stream("POST", server.url, content=recording.request_body) as response:
                body = b"".join([chunk async for chunk in response.aiter_bytes()])
        else:
            body = (await client.post(server.url, content=recording.request_body)).content
        assert body == recording.response["body"].encode()


def as_recorded(recording: Recording) -> list[bytes]:
    return recording.chunks


def at_random(recording: Recording) -> list[bytes]:
    dice = random.Random(recording.id)
    body, pieces = recording.response["body"].encode(), []
    while body:
        size = dice.choice((1, 2, 7, 100, 1000, 20000))
        pieces.append(body[:size])
        body = body[size:]
    return pieces


@pytest.mark.parametrize("cut", [as_recorded, at_random])
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_synchronous_clients(library: Any, cut: Callable[[Recording], list[bytes]], server: Replay) -> None:
    chosen = list(recordings("chat"))
    with watching(server.host) as seen, library.Client() as client:
        send_all(client, server, chosen, cut)
    check(chosen, seen)


@pytest.mark.parametrize("cut", [as_recorded, at_random])
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_asynchronous_clients(library: Any, cut: Callable[[Recording], list[bytes]], server: Replay) -> None:
    chosen = list(recordings("chat"))

    async def main() -> None:
        async with library.AsyncClient() as client:
            await send_all_async(client, server, chosen, cut)

    with watching(server.host) as seen:
        asyncio.run(main())
    check(chosen, seen)


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize("cut", [as_recorded, at_random])
def test_aiohttp(cut: Callable[[Recording], list[bytes]], server: Replay) -> None:
    chosen = list(recordings("chat"))

    async def main() -> None:
        async with aiohttp.ClientSession() as session:
            for recording in chosen:
                server.answer = Answer(recording.response["status"], recording.headers, cut(recording))
                async with session.post(server.url, json=recording.request["body"]) as response:
                    body = b"".join(
                        [line async for line in response.content] if recording.stream else [await response.read()]
                    )
                assert body == recording.response["body"].encode()

    with watching(server.host) as seen:
        asyncio.run(main())
    check(chosen, seen)


def check(chosen: list[Recording], seen: list[Any]) -> None:
    assert len(seen) == len(chosen) > 500
    wrong = {}
    for recording, call in zip(chosen, seen, strict=True):
        if found := differences(recording, call):
            wrong[recording.id] = found
    assert wrong == {}
