"""The clients that stand on `http.client`, asked in one way, and a scenario of theirs run bare and hooked."""

import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
import urllib3

from tests.support.answers import PROMPT
from tests.support.watched import Watched, watched

Scenario = Callable[[], Any]
BODY = json.dumps(PROMPT).encode()


@dataclass(frozen=True)
class Client:
    """How a client asks, and what it raises."""

    name: str
    open: Callable[..., Any]
    """Sends the prompt to a URL, and returns a response whose body is still to be read."""
    pieces: Callable[[Any], Iterator[bytes]]
    """Yields the body of such a response, a few bytes at a time."""
    whole: Callable[..., bytes]
    """Sends the prompt, and returns the whole body."""
    refused: tuple[type[Exception], str]
    """What is raised where nobody listens, and how a Call names what went wrong."""
    silent: tuple[type[Exception], str]
    """The same where nothing is answered in time."""
    held: tuple[type[Exception], str]
    """The same where the body stops half-way."""
    cut: tuple[type[Exception], str]
    """The same where the connection is cut half-way."""
    closes_when_left: bool
    """Whether a response is closed by the end of the loop over its pieces."""

    def __str__(self) -> str:
        return self.name


def _by_urllib3(url: str, *, preload_content: bool = False, timeout: float = 10) -> Any:
    headers = {"Content-Type": "application/json"}
    with urllib3.PoolManager(retries=False, timeout=timeout) as pool:
        return pool.request("POST", url, body=BODY, headers=headers, preload_content=preload_content)


def _by_requests(url: str, *, stream: bool = True, timeout: float = 10) -> Any:
    return requests.post(url, json=PROMPT, stream=stream, timeout=timeout)


def _by_urllib(url: str, *, timeout: float = 10) -> Any:
    request = urllib.request.Request(url, BODY, {"Content-Type": "application/json"})
    return urllib.request.urlopen(request, timeout=timeout)


def _pieces_of_urllib(response: Any) -> Iterator[bytes]:
    while piece := response.read(16):
        yield piece


CLIENTS = (
    Client(
        "urllib3",
        open=_by_urllib3,
        pieces=lambda response: response.stream(16),
        whole=lambda url, **options: _by_urllib3(url, preload_content=True, **options).data,
        refused=(urllib3.exceptions.NewConnectionError, "urllib3.exceptions.NewConnectionError"),
        silent=(urllib3.exceptions.ReadTimeoutError, "urllib3.exceptions.ReadTimeoutError"),
        held=(urllib3.exceptions.ReadTimeoutError, "urllib3.exceptions.ReadTimeoutError"),
        cut=(urllib3.exceptions.ProtocolError, "urllib3.exceptions.ProtocolError"),
        closes_when_left=True,
    ),
    Client(
        "requests",
        open=_by_requests,
        pieces=lambda response: response.iter_content(16),
        whole=lambda url, **options: _by_requests(url, stream=False, **options).content,
        refused=(requests.exceptions.ConnectionError, "urllib3.exceptions.NewConnectionError"),
        silent=(requests.exceptions.ReadTimeout, "urllib3.exceptions.ReadTimeoutError"),
        held=(requests.exceptions.ConnectionError, "urllib3.exceptions.ReadTimeoutError"),
        cut=(requests.exceptions.ChunkedEncodingError, "urllib3.exceptions.ProtocolError"),
        closes_when_left=True,
    ),
    Client(
        "urllib",
        open=_by_urllib,
        pieces=_pieces_of_urllib,
        whole=lambda url, **options: _by_urllib(url, **options).read(),
        refused=(urllib.error.URLError, "urllib.error.URLError"),
        silent=(TimeoutError, "TimeoutError"),
        held=(TimeoutError, "TimeoutError"),
        cut=(http.client.IncompleteRead, "http.client.IncompleteRead"),
        closes_when_left=False,
    ),
)
every_client = pytest.mark.parametrize("client", CLIENTS, ids=str)


def run(scenario: Scenario) -> Any:
    """Return what a scenario gives; an exception is a result too."""
    try:
        return scenario()
    except Exception as error:  # noqa: BLE001 - what is raised is compared
        return described(error)


def same(host: str, scenario: Scenario) -> Watched:
    """Run a scenario bare and hooked, compare what the application sees, and return what we saw."""
    bare = run(scenario)
    with watched(host) as seen:
        hooked = run(scenario)
    assert hooked == bare
    return seen


def raised(host: str, scenario: Scenario) -> tuple[Watched, type[BaseException]]:
    """Do the same with a scenario that raises; return the type of its exception too."""
    seen, told = same(host, scenario), run(scenario)
    assert isinstance(told, tuple), f"nothing was raised, but {told!r} came."
    assert issubclass(told[0], BaseException)
    return seen, told[0]


def described(error: BaseException | None) -> Any:
    """Return what there is to see of an exception; where an object lies in memory is no matter."""
    if error is None:
        return None
    return (
        type(error),
        _anywhere(str(error)),
        tuple(described(each) if isinstance(each, BaseException) else _anywhere(repr(each)) for each in error.args),
        sorted(vars(error)),
        described(error.__cause__),
        described(error.__context__),
    )


def undated(headers: Any) -> list[tuple[str, str]]:
    """Return headers as they came, but for the time of day."""
    return [(name, value) for name, value in headers.items() if name.lower() != "date"]


def _anywhere(text: str) -> str:
    return re.sub(r"0x[0-9a-f]+", "", text)
