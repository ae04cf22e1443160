"""Every recorded chat exchange, through the clients that stand on `http.client`, gives exactly what it must."""

import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
import urllib3

from tests.story.test_recordings import as_recorded, at_random, check
from tests.support.recordings import Recording, recordings
from tests.support.replay import Answer, Replay, replaying
from tests.support.shared import needs_shared
from tests.support.watching import watching

pytestmark = needs_shared
JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def server() -> Iterator[Replay]:
    with replaying() as server:
        yield server


def by_urllib3() -> Callable[[str, Recording], bytes]:
    pools = urllib3.PoolManager(retries=False)

    def send(url: str, recording: Recording) -> bytes:
        asked: dict[str, Any] = {"body": recording.request_body, "headers": JSON}
        response = pools.request("POST", url, preload_content=not recording.stream, **asked)
        return b"".join(response.stream(100)) if recording.stream else response.data

    return send


def by_requests() -> Callable[[str, Recording], bytes]:
    session = requests.Session()

    def send(url: str, recording: Recording) -> bytes:
        response = session.post(url, recording.request_body, headers=JSON, stream=recording.stream)
        return b"".join(response.iter_content(100)) if recording.stream else response.content

    return send


def by_urllib() -> Callable[[str, Recording], bytes]:
    def send(url: str, recording: Recording) -> bytes:
        try:
            response = urllib.request.urlopen(urllib.request.Request(url, recording.request_body, JSON))
        except urllib.error.HTTPError as error:
            with error:
                return error.read()
        with response:
            return b"".join(response) if recording.stream else response.read()

    return send


@pytest.mark.parametrize("cut", [as_recorded, at_random])
@pytest.mark.parametrize("client", [by_urllib3, by_requests, by_urllib])
def test_clients_over_http_client(
    client: Callable[[], Callable[[str, Recording], bytes]],
    cut: Callable[[Recording], list[bytes]],
    server: Replay,
) -> None:
    chosen, send = list(recordings("chat")), client()
    with watching(server.host) as seen:
        for recording in chosen:
            server.answer = Answer(recording.response["status"], recording.headers, cut(recording))
            assert send(server.url, recording) == recording.response["body"].encode()
    check(chosen, seen)
