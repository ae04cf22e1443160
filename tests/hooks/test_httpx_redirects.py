"""A redirect from another host into one that is watched is followed to a call of ours."""

from typing import Any

import pytest

from tests.hooks.caller import Caller, Kind, every_kind, run, same, snapshot
from tests.hooks.wires import WHOLE, head
from tests.support.answers import COST, GENERATION, JSON, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.verbatim import Verbatim
from tests.support.watched import watched

ANSWERS = {"json": Answer(200, JSON, [plain()]), "events": Answer(200, SSE, STREAM)}


@pytest.fixture
def elsewhere(server: Replay, wire: Verbatim) -> str:
    """Return a URL of a host that nobody watches, which leads to the one that is watched."""
    wire.answers = [head(307, location=server.url, content_length="0")]
    return wire.url.replace("127.0.0.1", "localhost")


async def post(caller: Caller, url: str, **options: Any) -> Any:
    return snapshot(await caller.do("post", url, json=PROMPT, follow_redirects=True, **options))


async def stream(caller: Caller, url: str, **options: Any) -> Any:
    async with caller.streaming(url, json=PROMPT, follow_redirects=True, **options) as response:
        return b"".join(await caller.pieces(response, "iter_bytes"))


both_ways = pytest.mark.parametrize("ask", [post, stream])


@every_kind
@both_ways
@pytest.mark.parametrize("name", ANSWERS)
def test_what_it_leads_to_is_one_call(kind: Kind, ask: Any, name: str, server: Replay, elsewhere: str) -> None:
    server.answer = ANSWERS[name]
    seen = same(kind, server.host, lambda caller: ask(caller, elsewhere))
    assert len(seen) == len(seen.spans) == 1
    assert (seen.only.outcome, seen.only.cost, seen.only.request_model) == ("completed", COST, PROMPT["model"])


@every_kind
@both_ways
def test_what_it_leads_to_may_fail(kind: Kind, ask: Any, server: Replay, elsewhere: str) -> None:
    server.answer = Answer(200, {**SSE, "x-generation-id": GENERATION}, TEXT, cut=True)
    seen = same(kind, server.host, lambda caller: ask(caller, elsewhere))
    assert (seen.only.outcome, seen.only.generation_id) == ("error", GENERATION)


@every_kind
def test_a_hook_may_stop_it_on_the_way(kind: Kind, server: Replay, elsewhere: str) -> None:
    def stop(request: Any) -> None:
        if str(request.url) == server.url:
            raise LookupError("Not there.")

    async def stop_later(request: Any) -> None:
        stop(request)

    hooks = {"event_hooks": {"request": [stop_later if kind.asynchronous else stop]}}
    assert list(same(kind, server.host, lambda caller: post(caller, elsewhere), lambda: hooks)) == []
    assert server.requests == []


@every_kind
def test_one_that_is_not_followed_is_sent_by_whoever_asks_for_it(kind: Kind, server: Replay, elsewhere: str) -> None:
    server.answer = ANSWERS["json"]

    async def scenario(caller: Caller) -> Any:
        response = await caller.do("post", elsewhere, json=PROMPT)
        return snapshot(await caller.do("send", response.next_request))

    assert same(kind, server.host, scenario).only.cost == COST


@every_kind
def test_there_and_back_is_one_call(kind: Kind, server: Replay, wire: Verbatim) -> None:
    """From a host that is watched to another, and to one that is watched again."""
    server.answers["/api/v1/chat/completions"] = Answer(307, {"location": wire.url}, [])
    server.answers["/v1/chat/completions"] = ANSWERS["json"]
    wire.answers = [head(307, location=f"http://{server.host}/v1/chat/completions", content_length="0")]
    try:
        seen = same(kind, server.host, lambda caller: post(caller, server.url))
    finally:
        server.answers.clear()
    assert [(call.http_status, call.cost) for call in seen] == [(200, COST)]


@every_kind
def test_one_to_another_host_is_none_of_ours(kind: Kind, server: Replay, wire: Verbatim) -> None:
    wire.answers = [head(307, location="/v1/chat/completions", content_length="0"), WHOLE["sized"]]
    with watched("unused.example") as seen:
        run(kind, lambda caller: post(caller, wire.url))
    assert list(seen) == []
