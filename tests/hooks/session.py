"""A scenario for an aiohttp session, run bare and hooked, and everything that there is to see of what comes of it."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
from multidict import CIMultiDictProxy

from tests.support.watched import Watched, watched

Scenario = Callable[[aiohttp.ClientSession], Awaitable[Any]]
Options = Callable[[], dict[str, Any]]


def run(scenario: Scenario, options: Options = dict, *, debug: bool = False) -> Any:
    """Return what a scenario gives with a session of its own; an exception is a result too."""

    async def main() -> Any:
        async with aiohttp.ClientSession(**options()) as session:
            try:
                return await scenario(session)
            except Exception as error:  # noqa: BLE001 - what is raised is compared
                return described(error)

    return asyncio.run(main(), debug=debug)


def same(host: str, scenario: Scenario, options: Options = dict, *, debug: bool = False) -> Watched:
    """Run a scenario bare and hooked, compare what the application sees, and return what we saw."""
    bare = run(scenario, options, debug=debug)
    with watched(host) as seen:
        hooked = run(scenario, options, debug=debug)
    assert hooked == bare
    return seen


def described(error: BaseException | None) -> Any:
    """Return what there is to see of an exception."""
    if error is None:
        return None
    named = {name: _plain(value) for name, value in vars(error).items()}
    return type(error), _undated(str(error)), named, described(error.__cause__), type(error.__context__)


def snapshot(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return everything that there is to see of a response that was read."""
    content = response.content
    return {
        **shell(response),
        "closed": (response.closed, response.connection is None),
        "stream": (repr(content), content.is_eof(), content.at_eof(), content.total_bytes, type(content.exception())),
    }


def shell(response: aiohttp.ClientResponse) -> dict[str, Any]:
    """Return what there is to see of a response, however much of its body has come."""
    content = response.content
    return {
        "class": type(response),
        "attributes": sorted(set(vars(response)) - _OF_THE_MOMENT),
        "repr": _undated(repr(response)),
        "status": (response.status, response.reason, response.version, response.ok),
        "headers": _plain(response.headers),
        "raw_headers": [pair for pair in response.raw_headers if pair[0].lower() != b"date"],
        "url": (response.url, response.real_url, response.host),
        "request": _plain(response.request_info),
        "cookies": response.cookies.output(),
        "type": (response.content_type, response.charset),
        "history": [shell(each) for each in response.history],
        "body": response._body,
        "content": (type(content).__qualname__, type(content).__module__, isinstance(content, aiohttp.StreamReader)),
    }


_OF_THE_MOMENT = {"_output_size", "_stream_writer", "_ClientResponse__writer"}
"""Attributes that a response has while its request is still being written, or when it has been."""


def _plain(value: Any) -> Any:
    """Return a value as it can be compared: without the date, and exceptions and tuples of responses opened up."""
    if isinstance(value, CIMultiDictProxy):
        return [(name, each) for name, each in value.items() if name.lower() != "date"]
    if isinstance(value, aiohttp.ClientResponse):
        return shell(value)
    if isinstance(value, aiohttp.RequestInfo):
        return value.method, value.url, value.real_url, _plain(value.headers)
    if isinstance(value, BaseException):
        return described(value)
    if isinstance(value, tuple):
        return tuple(map(_plain, value))
    return value if isinstance(value, str | int | float | bytes | None) else repr(value)


def _undated(text: str) -> str:
    return re.sub(r"'Date': '[^']*'|0x[0-9a-f]+", "", text)
