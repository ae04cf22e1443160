"""A request object that is sent again after a failure is a second try of it, as the openrouter SDK makes one."""

import asyncio
import gc
import json
from typing import Any

import pytest
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
