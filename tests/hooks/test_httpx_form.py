"""Forms that httpx and httpx2 write down as they send them: what is asked for is known, and the file is not read."""

import asyncio
import io
from collections.abc import Iterator
from typing import Any

import httpx
import httpx2
import pytest

from tests.support.replay import Answer, Replay, replaying
from tests.support.watching import watching

FIELDS = {"model": "openai/whisper-1", "response_format": "json", "temperature": "0.5", "language": "en"}
SOUND = b"RIFF" + bytes(range(256)) * 400
PATH = "/api/v1/audio/transcriptions"


@pytest.fixture
def server() -> Iterator[Replay]:
    with replaying() as server:
        server.answer = Answer(chunks=[b'{"text": "Hello.", "usage": {"seconds": 1, "cost": 0.0001}}'])
        yield server


class Once(io.BytesIO):
    """A file that can be read through once, and takes note of every reading."""

    def __init__(self) -> None:
        super().__init__(SOUND)
        self.read_bytes = 0

    def read(self, size: int | None = -1, /) -> bytes:
        found = super().read(size)
        self.read_bytes += len(found)
        return found


def sync_post(library: Any, url: str, file: Any) -> Any:
    with library.Client() as client:
        return client.post(url, data=FIELDS, files={"file": ("a.wav", file, "audio/wav")})


def async_post(library: Any, url: str, file: Any) -> Any:
    async def post() -> Any:
        async with library.AsyncClient() as client:
            return await client.post(url, data=FIELDS, files={"file": ("a.wav", file, "audio/wav")})

    return asyncio.run(post())


@pytest.mark.parametrize("post", [sync_post, async_post])
@pytest.mark.parametrize("library", [httpx, httpx2])
def test_what_a_form_asks_for_is_known(library: Any, post: Any, server: Replay) -> None:
    file = SOUND if post is async_post else Once()
    with watching(server.host) as seen:
        response = post(library, f"http://{server.host}{PATH}", file)
    assert response.json()["text"] == "Hello."
    call = seen.only
    assert (call.operation, call.request_model, str(call.cost)) == ("transcription", "openai/whisper-1", "0.0001")
    assert call.parameters is not None
    assert (call.parameters.response_format, call.parameters.temperature) == ("json", 0.5)
    (request,) = server.requests
    assert request.body.count(SOUND) == 1
    assert all(f'name="{name}"'.encode() in request.body for name in (*FIELDS, "file"))
    if isinstance(file, Once):
        assert file.read_bytes == len(SOUND)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_a_form_of_anything_is_sent_as_it_is(library: Any, server: Replay) -> None:
    fields = {"model": ["a/b", "c/d"], "temperature": "warm", "odd": b"\xff\x00", "number": 3, "flag": True}
    files = [("file", ("a.wav", SOUND)), ("file", ("b.wav", SOUND)), ("plain", (None, b"no file at all"))]
    with watching(server.host) as seen, library.Client() as client:
        assert client.post(f"http://{server.host}{PATH}", data=fields, files=files).status_code == 200
    assert seen.only.operation == "transcription"
    assert server.requests[0].body.count(SOUND) == 2
