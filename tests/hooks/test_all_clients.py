"""What comes is booked alike, whichever client asks for it, and whether it is taken whole or as a stream."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from tests.hooks import blocking, caller, session
from tests.hooks.blocking import CLIENTS, Client
from tests.hooks.caller import KINDS, Caller, Kind
from tests.hooks.wires import ANOTHER_NAME, TWICE, UNFINISHED
from tests.support.answers import COST, GENERATION, PROMPT
from tests.support.verbatim import Verbatim
from tests.support.watched import Watched

Ask = Callable[[str, str], Watched]
"""Asks a host at a URL, bare and hooked, and returns what was seen."""

# A connection that breaks is left to the collector by some.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


def by_one_of_four(kind: Kind, host: str, url: str, *, stream: bool) -> Watched:
    async def whole(client: Caller) -> Any:
        return caller.snapshot(await client.do("post", url, json=PROMPT))

    async def streamed(client: Caller) -> Any:
        async with client.streaming(url, json=PROMPT) as response:
            return await client.pieces(response, "iter_bytes")

    return caller.same(kind, host, streamed if stream else whole)


def by_aiohttp(host: str, url: str, *, stream: bool) -> Watched:
    async def whole(client: Any) -> Any:
        async with client.post(url, json=PROMPT) as response:
            return await response.read(), session.snapshot(response)

    async def streamed(client: Any) -> Any:
        async with client.post(url, json=PROMPT) as response:
            return b"".join([piece async for piece in response.content.iter_any()])

    scenario: Callable[[Any], Awaitable[Any]] = streamed if stream else whole
    return session.same(host, scenario)


def by_a_blocking_one(client: Client, host: str, url: str, *, stream: bool) -> Watched:
    return blocking.same(host, lambda: list(client.pieces(client.open(url))) if stream else client.whole(url))


ASKING: dict[str, Callable[..., Watched]] = {
    **{str(kind): partial(by_one_of_four, kind) for kind in KINDS},
    "aiohttp": by_aiohttp,
    **{str(client): partial(by_a_blocking_one, client) for client in CLIENTS},
}


@pytest.fixture(params=[f"{name}, {how}" for name in ASKING for how in ("whole", "stream")])
def ask(request: pytest.FixtureRequest) -> Ask:
    name, how = request.param.split(", ")
    return partial(ASKING[name], stream=how == "stream")


def test_an_answer_whose_end_is_not_told_is_known_all_the_same(ask: Ask, wire: Verbatim) -> None:
    wire.answers = [UNFINISHED]
    seen = ask(wire.host, wire.url)
    assert (seen.only.outcome, seen.only.generation_id, seen.only.cost) == ("error", GENERATION, COST)


def test_what_a_client_does_not_decode_is_decoded_for_the_record(ask: Ask, wire: Verbatim) -> None:
    wire.answers = [ANOTHER_NAME]
    seen = ask(wire.host, wire.url)
    assert (seen.only.outcome, seen.only.generation_id, seen.only.cost) == ("completed", GENERATION, COST)


def test_of_a_header_that_comes_twice_the_first_is_meant(ask: Ask, wire: Verbatim) -> None:
    wire.answers = [TWICE]
    call = ask(wire.host, wire.url).only
    assert (call.generation_id, call.cache_hit, call.retry_after, call.cost) == ("gen-h", False, 2, COST)
