"""The clients that stand on `http.client`, asked in one way, and a scenario of theirs run bare and hooked."""

import gc
import http.client
import json
import re
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import pytest
import requests
import urllib3

from tests.support.answers import COST, GENERATION, PROMPT
from tests.support.verbatim import Verbatim
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


Read = Callable[[Any], Any]


@dataclass(frozen=True)
class Ways:
    """The ways to read an answer by one client."""

    ask: Callable[[str], Any]
    """Returns a response whose body is still to be read."""
    shell: Callable[[Any], Any]
    """Returns what there is to see of a response, read or not."""
    to_its_end: Mapping[str, Read]
    otherwise: Mapping[str, Read]

    def end_it(self, wire: Verbatim, answer: bytes, ways: Iterable[str] | None = None) -> None:
        """Check that each way to the end of an answer gives the same, and that the whole call is known by it."""
        names = list(self.to_its_end if ways is None else ways)
        wire.answers = [answer]
        seen = same(wire.host, lambda: self._each(wire.url, {name: self.to_its_end[name] for name in names}))
        for name, call in zip(names, seen, strict=True):
            assert (name, call.outcome, call.cost, call.generation_id) == (name, "completed", COST, GENERATION)

    def do_otherwise(self, wire: Verbatim, answer: bytes) -> None:
        """Check that whatever else is done with an answer gives the same, and is one call."""
        self._one_call_each(wire, answer, self.otherwise)

    def break_it(self, wire: Verbatim, broken: bytes) -> None:
        """Check that a broken answer breaks in the same way, and that no cost is known by it."""
        seen = self._one_call_each(wire, broken, {**self.to_its_end, **self.otherwise})
        assert {call.cost for call in seen} == {None}

    def fail_by(self, way: str, wire: Verbatim, broken: bytes) -> None:
        """Check that a broken answer that is read in this way to its end is an error."""
        wire.answers = [broken]
        with watched(wire.host) as seen:
            response = self.ask(wire.url)
            run(lambda: self.to_its_end[way](response))
            assert (seen.only.outcome, seen.only.http_status) == ("error", 200)

    def _one_call_each(self, wire: Verbatim, answer: bytes, ways: Mapping[str, Read]) -> Watched:
        wire.answers = [answer]
        seen = same(wire.host, lambda: self._each(wire.url, ways))
        gc.collect()
        assert len(seen) == len(seen.spans) == len({call.call_id for call in seen}) == len(ways)
        return seen

    def _each(self, url: str, ways: Mapping[str, Read]) -> dict[str, Any]:
        """Return what comes of each way with an answer of its own, and what is seen of that before and afterwards."""
        found = {}
        for way, read in ways.items():
            response = self.ask(url)
            found[way] = self.shell(response), run(partial(read, response)), self.shell(response)
        return found


def repeated(read: Callable[[], Any]) -> list[Any]:
    """Return what is read until nothing comes any more."""
    return list(iter(read, b""))


def filled(response: Any) -> list[Any]:
    """Return what comes of filling a buffer until nothing comes any more."""
    buffer = bytearray(10)
    return [bytes(buffer[:count]) for count in iter(lambda: response.readinto(buffer), 0)]


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
