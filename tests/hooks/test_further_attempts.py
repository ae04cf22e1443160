"""Second tries as clients and programs make them: by the same object, in an exception's handler, by their own count."""

import asyncio
import gc
import json
from typing import Any

import aiohttp
import pytest
from aiohttp_retry import ExponentialRetry, RetryClient
from openrouter import OpenRouter
from openrouter.utils.retries import BackoffStrategy, RetryConfig

from tests.hooks.caller import Caller, Kind, every_kind, finished, same
from tests.hooks.wires import WHOLE, head, unsized
from tests.support.answers import COST, PROMPT, plain
from tests.support.verbatim import Verbatim
from tests.support.watched import Watched, watched

SAID = b'{"error":{"message":"Internal Server Error","code":500}}'
REFUSED = head(500, connection="close", content_length=str(len(SAID)), content_type="application/json") + SAID
ANSWERED = WHOLE["unsized"]
CUT = b""


def links(seen: Watched) -> list[tuple[int | None, int | None]]:
    """Return for each call which of the calls it is a try of, and the number of that try."""
    numbers = {call.call_id: number for number, call in enumerate(seen)}
    return [(None if call.attempt_of is None else numbers[call.attempt_of], call.retry) for call in seen]


@every_kind
@pytest.mark.parametrize("failed", [REFUSED, CUT], ids=["refused", "cut"])
def test_a_request_that_is_sent_again_when_it_has_failed(kind: Kind, failed: bytes, wire: Verbatim) -> None:
    wire.answers = [failed, failed, ANSWERED, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        request, told = caller.client.build_request("POST", wire.url, json=PROMPT), []
        for _ in range(4):
            try:
                told.append((await finished(caller.client.send(request))).status_code)
            except caller.library.TransportError as error:
                told.append(type(error))
        return told

    seen = same(kind, wire.host, scenario)
    assert links(seen) == [(None, None), (0, 1), (0, 2), (None, None)]


@every_kind
def test_one_whose_answer_was_not_read_when_it_is_sent_again(kind: Kind, wire: Verbatim) -> None:
    """As the openrouter SDK does with what it streams."""
    wire.answers = [REFUSED, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        request = caller.client.build_request("POST", wire.url, json=PROMPT)
        refused = await finished(caller.client.send(request, stream=True))
        answered = await finished(caller.client.send(request))
        await caller.close(refused)
        return refused.status_code, answered.status_code

    seen = same(kind, wire.host, scenario)
    assert sorted((call.http_status, call.retry) for call in seen) == [(200, 1), (500, None)]
    assert len({call.attempt_of or call.call_id for call in seen}) == 1


@every_kind
def test_an_equal_request_is_another_call(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [REFUSED, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        return [(await caller.do("post", wire.url, json=PROMPT)).status_code for _ in range(2)]

    assert links(same(kind, wire.host, scenario)) == [(None, None)] * 2


@every_kind
def test_an_equal_request_that_is_made_while_the_failure_is_handled_is_a_second_try(kind: Kind, wire: Verbatim) -> None:
    """As litellm makes one."""
    wire.answers = [REFUSED, ANSWERED, ANSWERED]

    async def scenario(caller: Caller) -> Any:
        try:
            (await caller.do("post", wire.url, json=PROMPT)).raise_for_status()
        except caller.library.HTTPStatusError:
            other = (await caller.do("post", wire.url, json={**PROMPT, "seed": 1})).status_code
            return other, (await caller.do("post", wire.url, json=PROMPT)).status_code

    assert links(same(kind, wire.host, scenario)) == [(None, None), (None, None), (0, 1)]


@every_kind
def test_the_same_where_no_answer_came(kind: Kind, wire: Verbatim) -> None:
    wire.answers = [CUT, CUT, ANSWERED]

    async def ask(caller: Caller, again: int) -> Any:
        try:
            return (await caller.do("post", wire.url, json=PROMPT)).status_code
        except caller.library.TransportError:
            return await ask(caller, again - 1) if again else None

    assert links(same(kind, wire.host, lambda caller: ask(caller, 2))) == [(None, None), (0, 1), (0, 2)]


def test_the_tries_of_aiohttp_retry(wire: Verbatim) -> None:
    wire.answers = [REFUSED, CUT, ANSWERED]

    async def main() -> list[int]:
        again = ExponentialRetry(attempts=3, start_timeout=0.01, exceptions={aiohttp.ClientError})
        async with RetryClient(retry_options=again) as client:
            told = []
            for _ in range(2):
                async with client.post(wire.url, json=PROMPT) as response:
                    told.append(response.status)
            return told

    with watched(wire.host) as seen:
        assert asyncio.run(main()) == [200, 200]
        gc.collect()  # the answers that are not wanted are dropped unread
    found = sorted(seen, key=lambda call: call.started_at)
    numbers = {call.call_id: number for number, call in enumerate(found)}
    linked = [(None if call.attempt_of is None else numbers[call.attempt_of], call.retry) for call in found]
    assert linked == [(None, None), (0, 1), (0, 2), (None, None), (3, 1), (3, 2)]


AGAIN = RetryConfig("backoff", BackoffStrategy(1, 1, 1.0, 60_000, jitter_ms=0), retry_connection_errors=True)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("asynchronous", [False, True])
def test_the_tries_of_openrouters_own_sdk(asynchronous: bool, stream: bool, wire: Verbatim) -> None:
    whole = json.dumps({**json.loads(plain()), "system_fingerprint": None}).encode()
    wire.answers = [REFUSED, REFUSED, WHOLE["unsized events"] if stream else unsized(whole)]
    asked: dict[str, Any] = {"model": PROMPT["model"], "messages": PROMPT["messages"], "stream": stream}

    async def ask_async() -> None:
        async with OpenRouter(api_key="sk-or-v1-none", server_url=base(wire), retry_config=AGAIN) as api:
            answer = await api.chat.send_async(**asked)
            if stream:
                async with answer:
                    assert [chunk async for chunk in answer]

    def ask() -> None:
        with OpenRouter(api_key="sk-or-v1-none", server_url=base(wire), retry_config=AGAIN) as api:
            answer = api.chat.send(**asked)
            if stream:
                with answer:
                    assert list(answer)

    with watched(wire.host) as seen:
        asyncio.run(ask_async()) if asynchronous else ask()
        gc.collect()  # the SDK drops the stream of a refusal unread
    assert [(call.http_status, call.cost) for call in sorted(seen, key=lambda call: call.started_at)] == [
        (500, None),
        (500, None),
        (200, COST),
    ]
    first = min(seen, key=lambda call: call.started_at)
    assert sorted((call.retry or 0, call.attempt_of) for call in seen if call is not first) == [
        (1, first.call_id),
        (2, first.call_id),
    ]


def base(wire: Verbatim) -> str:
    return wire.url.removesuffix("/chat/completions")
