"""Whatever carries an httpx request, another hooked client included, it is one Call, and the answer is the same."""

import asyncio
import base64
import gc
import gzip
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from typing import Any

import aiohttp
import httpx
import httpx2
import httpx_aiohttp
import httpx_aiohttp.httpx2
import openai
import pytest

from tests.hooks.caller import KINDS, Caller, Kind, calling, every_kind, run, same, shell
from tests.support.answers import COST, DONE, GENERATION, JSON, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.watched import Watched, watched

HEADERS = {**SSE, "x-generation-id": GENERATION}
HELD = Answer(200, HEADERS, TEXT, hold=True)
ANSWERS = {
    "plain": Answer(200, JSON, [b"\n   \n", plain()]),
    "gzipped": Answer(200, {**JSON, "content-encoding": "gzip"}, [gzip.compress(plain())]),
    "streamed": Answer(200, HEADERS, STREAM),
    "gzipped stream": Answer(200, {**HEADERS, "content-encoding": "gzip"}, [gzip.compress(b"".join(STREAM))]),
}

# aiohttp complains of every connection that is left to the collector with an answer under way, and of its session.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed (connection|client session):ResourceWarning")

CARRIED = {
    "httpx over aiohttp": (Kind(httpx, asynchronous=True), httpx_aiohttp.AiohttpTransport),
    "httpx2 over aiohttp": (Kind(httpx2, asynchronous=True), httpx_aiohttp.httpx2.AiohttpTransport),
}


@pytest.fixture(params=CARRIED)
def carried(request: pytest.FixtureRequest) -> tuple[Kind, Callable[[], dict[str, Any]]]:
    """A kind of client, and the options by which aiohttp carries its requests."""
    kind, transport = CARRIED[request.param]
    return kind, lambda: {"transport": transport()}


async def post(caller: Caller, server: Replay) -> Any:
    response = await caller.do("post", server.url, json=PROMPT)
    return response.content, shell(response)


async def stream(caller: Caller, server: Replay) -> Any:
    async with caller.streaming(server.url, json=PROMPT) as response:
        return b"".join(await caller.pieces(response, "iter_bytes")), shell(response)


@pytest.mark.parametrize("ask", [post, stream])
@pytest.mark.parametrize("name", ANSWERS)
def test_aiohttp_inside_httpx_is_one_call(carried: Any, ask: Any, name: str, server: Replay) -> None:
    server.answer = ANSWERS[name]
    kind, options = carried
    seen = same(kind, server.host, lambda caller: ask(caller, server), options)
    assert len(seen) == len(seen.spans) == 1
    assert (seen.only.outcome, seen.only.cost) == ("completed", COST)
    assert len(server.requests) == 2


@pytest.mark.parametrize(("leave", "outcome"), [("break", "closed"), ("cancel", "cancelled"), ("drop", "abandoned")])
def test_an_answer_that_aiohttp_brought_ends_as_any(carried: Any, leave: str, outcome: str, server: Replay) -> None:
    server.answer = HELD
    kind, options = carried

    def at_a_word(task: asyncio.Task[None]) -> bool:
        if leave == "cancel":
            task.cancel()
        return leave == "break"

    async def work(caller: Caller) -> None:
        if leave == "drop":
            await caller.open(server.url, json=PROMPT)
            return
        async with caller.streaming(server.url, json=PROMPT) as response:
            await caller.loop(response, lambda _: at_a_word(task))

    task: asyncio.Task[None]

    async def scenario(caller: Caller) -> Any:
        nonlocal task
        task = asyncio.ensure_future(work(caller))
        await asyncio.wait([task])
        return task.cancelled()

    seen = same(kind, server.host, scenario, options)
    gc.collect()
    assert (seen.pair[0].outcome, seen.only.generation_id) == (outcome, GENERATION)


def test_what_goes_wrong_below_is_told_as_the_transport_tells_it(carried: Any, server: Replay) -> None:
    server.answer = Answer(200, HEADERS, TEXT, cut=True)
    kind, options = carried
    seen = same(kind, server.host, lambda caller: stream(caller, server), options)
    assert (seen.only.outcome, seen.only.error_type) == ("error", f"{kind.library.__name__}.ReadError")


@asynccontextmanager
async def aiohttp_client_of_openai(server: Replay) -> AsyncIterator[openai.AsyncOpenAI]:
    http = openai.DefaultAioHttpClient()
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="k", http_client=http, max_retries=0) as client:
        yield client


async def answered(client: openai.AsyncOpenAI) -> Any:
    answer = await client.chat.completions.create(model=PROMPT["model"], messages=PROMPT["messages"])
    return answer.model_dump()


async def streamed(client: openai.AsyncOpenAI) -> Any:
    events = await client.chat.completions.create(model=PROMPT["model"], messages=PROMPT["messages"], stream=True)
    return [event.model_dump() async for event in events]


@pytest.mark.parametrize(("ask", "name"), [(answered, "plain"), (streamed, "streamed")])
def test_openais_client_on_aiohttp_is_one_call(
    ask: Callable[[openai.AsyncOpenAI], Awaitable[Any]], name: str, server: Replay
) -> None:
    server.answer = ANSWERS[name]

    async def main() -> Any:
        async with aiohttp_client_of_openai(server) as client:
            return await ask(client)

    bare = asyncio.run(main())
    with watched(server.host) as seen:
        assert asyncio.run(main()) == bare
    assert len(seen) == len(seen.spans) == 1
    assert (seen.only.outcome, seen.only.cost) == ("completed", COST)


@every_kind
def test_a_transport_that_tries_again_makes_one_call(kind: Kind, server: Replay) -> None:
    server.answer = ANSWERS["plain"]

    def options() -> dict[str, Any]:
        return {"transport": trying_twice(kind)}

    seen = same(kind, server.host, lambda caller: post(caller, server), options)
    assert (seen.only.generation_id, len(server.requests)) == (GENERATION, 4)


def trying_twice(kind: Kind) -> Any:
    library = kind.library

    class Sync(library.HTTPTransport):
        def handle_request(self, request: Any) -> Any:
            super().handle_request(request).close()
            return super().handle_request(request)

    class Async(library.AsyncHTTPTransport):
        async def handle_async_request(self, request: Any) -> Any:
            await (await super().handle_async_request(request)).aclose()
            return await super().handle_async_request(request)

    return Async(verify=False) if kind.asynchronous else Sync(verify=False)


@every_kind
def test_a_transport_that_asks_another_client_makes_one_call(kind: Kind, server: Replay) -> None:
    """A gateway of the application's own: what it asks on the way is part of the call."""
    server.answer = ANSWERS["plain"]

    async def gateway(_request: Any) -> Any:
        async with aiohttp.ClientSession() as session, session.post(server.url, json=PROMPT) as answer:
            return kind.library.Response(200, headers=JSON, content=await answer.read())

    def sync_gateway(_request: Any) -> Any:
        return kind.library.Response(200, headers=JSON, content=httpx.post(server.url, json=PROMPT).content)

    def options() -> dict[str, Any]:
        return {"transport": kind.library.MockTransport(gateway if kind.asynchronous else sync_gateway)}

    seen = same(kind, server.host, lambda caller: post(caller, server), options)
    assert (seen.only.generation_id, len(server.requests)) == (GENERATION, 2)


@every_kind
@pytest.mark.parametrize(
    "judge", [kind for kind in KINDS if kind.asynchronous] + [None], ids=lambda kind: str(kind or "aiohttp")
)
def test_what_an_event_hook_asks_is_a_call_of_its_own(kind: Kind, judge: Kind | None, server: Replay) -> None:
    server.answer = ANSWERS["plain"]

    async def ask(_response: Any) -> None:
        if judge is None:
            async with aiohttp.ClientSession() as session, session.post(server.url, json=PROMPT) as answer:
                await answer.read()
        else:
            async with calling(judge) as caller:
                await caller.do("post", server.url, json=PROMPT)

    def ask_at_once(_response: Any) -> None:
        with httpx.Client(verify=False) as client:
            client.post(server.url, json=PROMPT)

    def options() -> dict[str, Any]:
        return {"event_hooks": {"response": [ask if kind.asynchronous else ask_at_once]}}

    with watched(server.host) as seen:
        run(kind, lambda caller: post(caller, server), options)
    assert len(seen) == len(seen.spans) == len(server.requests) == 2


@pytest.mark.parametrize("library", [httpx, httpx2])
@pytest.mark.parametrize("body", [{**PROMPT, "user": "judge"}, PROMPT], ids=["another", "the same"])
def test_what_an_event_hook_asks_in_another_task_is_told_by_what_it_asks(
    library: Any, body: dict[str, Any], server: Replay
) -> None:
    server.answer = ANSWERS["plain"]

    async def judge(_response: Any) -> None:
        async with library.AsyncClient() as client:
            await asyncio.gather(client.post(server.url, json=body))

    async def main() -> None:
        async with library.AsyncClient(event_hooks={"response": [judge]}) as client:
            await client.post(server.url, json=PROMPT)

    with watched(server.host) as seen:
        asyncio.run(main())
    assert len(seen) == (1 if body is PROMPT else 2)


@every_kind
def test_a_transport_is_one_whatever_its_method_is_called(kind: Kind, server: Replay) -> None:
    server.answer = ANSWERS["plain"]

    class Forwarding(kind.library.BaseTransport, kind.library.AsyncBaseTransport):
        def go(self, _request: Any) -> Any:
            return kind.library.Response(200, headers=JSON, content=httpx.post(server.url, json=PROMPT).content)

        async def go_asynchronously(self, request: Any) -> Any:
            return self.go(request)

        handle_request, handle_async_request = go, go_asynchronously

    seen = same(kind, server.host, lambda caller: post(caller, server), lambda: {"transport": Forwarding()})
    assert (seen.only.generation_id, len(server.requests)) == (GENERATION, 2)


def test_a_module_without_a_name_may_ask(server: Replay) -> None:
    server.answer = ANSWERS["plain"]
    nameless: dict[str, Any] = {"__name__": None, "httpx": httpx, "url": server.url, "prompt": PROMPT}
    exec("def judge(_response):\n    httpx.post(url, json=prompt)", nameless)
    with watched(server.host) as seen, httpx.Client(event_hooks={"response": [nameless["judge"]]}) as client:
        client.post(server.url, json=PROMPT)
    assert len(seen) == 2


KEY = "gw_key_abcdef0123456789"
QUOTING = Answer(401, JSON, [f'{{"error":{{"code":401,"message":"No such key: {KEY}"}}}}'.encode()])
KEYED = {"Authorization": f"Bearer {KEY}"}


def keyed(kind: Kind, how: str) -> dict[str, Any]:
    """Return the options of a client that puts a key into the request on its way."""
    library = kind.library

    class Auth(library.Auth):
        def auth_flow(self, request: Any) -> Any:
            request.headers.update(KEYED)
            yield request

    class Sync(library.HTTPTransport):
        def handle_request(self, request: Any) -> Any:
            request.headers.update(KEYED)
            return super().handle_request(request)

    class Async(library.AsyncHTTPTransport):
        async def handle_async_request(self, request: Any) -> Any:
            request.headers.update(KEYED)
            return await super().handle_async_request(request)

    async def put(request: Any) -> None:
        request.headers.update(KEYED)

    def put_at_once(request: Any) -> None:
        request.headers.update(KEYED)

    return {
        "auth": {"auth": Auth()},
        "hook": {"event_hooks": {"request": [put if kind.asynchronous else put_at_once]}},
        "transport": {"transport": (Async if kind.asynchronous else Sync)(verify=False)},
    }[how]


@every_kind
@pytest.mark.parametrize("how", ["auth", "hook", "transport"])
@pytest.mark.parametrize("answer", [QUOTING, ANSWERS["plain"]], ids=["refused", "answered"])
def test_a_key_that_is_put_in_on_the_way_is_known_and_not_kept(
    kind: Kind, how: str, answer: Answer, server: Replay
) -> None:
    server.answer = answer

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT, headers={"authorization": "Bearer placeholder"})
        return await caller.read(response)

    seen = same(kind, server.host, scenario, lambda: keyed(kind, how))
    assert seen.only.key_hash == sha256(KEY.encode()).hexdigest()
    assert KEY not in repr(seen.only)


@pytest.mark.parametrize("how", ["middleware", "url"])
def test_a_key_that_aiohttp_puts_in_is_known_and_not_kept(how: str, server: Replay) -> None:
    secret = KEY if how == "middleware" else base64.b64encode(f"me:{KEY}".encode()).decode()
    server.answer = Answer(401, JSON, [f'{{"error":{{"code":401,"message":"Not {secret}"}}}}'.encode()])

    async def put(request: Any, send: Any) -> Any:
        request.headers.update(KEYED)
        return await send(request)

    url = server.url.replace("//", f"//me:{KEY}@") if how == "url" else server.url

    async def main() -> None:
        middlewares = [put] if how == "middleware" else []
        async with aiohttp.ClientSession(middlewares=middlewares) as session, session.post(url, json=PROMPT) as answer:
            await answer.read()

    with watched(server.host) as seen:
        asyncio.run(main())
    assert seen.only.key_hash == sha256(secret.encode()).hexdigest()
    assert secret not in repr(seen.only)


def test_what_a_middleware_of_aiohttps_asks_is_a_call_of_its_own(server: Replay) -> None:
    server.answer = ANSWERS["plain"]

    async def judged(request: Any, send: Any) -> Any:
        answer = await send(request)
        async with aiohttp.ClientSession() as session, session.post(server.url, json=PROMPT) as judgement:
            await judgement.read()
        return answer

    async def main() -> None:
        async with (
            aiohttp.ClientSession(middlewares=[judged]) as session,
            session.post(server.url, json=PROMPT) as answer,
        ):
            await answer.read()

    with watched(server.host) as seen:
        asyncio.run(main())
    assert len(seen) == len(seen.spans) == len(server.requests) == 2


@pytest.mark.parametrize("read", [False, True], ids=["unread", "read"])
def test_an_answer_that_a_middleware_of_aiohttps_refuses_is_known(read: bool, server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "x-generation-id": GENERATION}, [plain()])

    async def guarded(request: Any, send: Any) -> Any:
        answer = await send(request)
        if read:
            await answer.read()
        raise LookupError("a guardrail")

    async def main() -> None:
        async with aiohttp.ClientSession(middlewares=[guarded]) as session:
            await session.post(server.url, json=PROMPT)

    with watched(server.host) as seen, pytest.raises(LookupError, match="a guardrail"):
        asyncio.run(main())
    assert (seen.only.http_status, seen.only.generation_id) == (200, GENERATION)
    assert (seen.only.outcome, seen.only.cost) == (("completed", COST) if read else ("error", None))


def test_a_mount_is_carried_by_aiohttp_and_the_rest_is_not(carried: Any, server: Replay) -> None:
    server.answer = ANSWERS["streamed"]
    kind, options = carried

    def mounts() -> dict[str, Any]:
        return {"mounts": {f"http://{server.host}": options()["transport"]}}

    seen = same(kind, server.host, lambda caller: stream(caller, server), mounts)
    assert (seen.only.outcome, seen.only.cost) == ("completed", COST)


def test_an_application_that_is_called_without_a_network_is_seen() -> None:
    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for chunk in STREAM:
            await send({"type": "http.response.body", "body": chunk, "more_body": chunk is not DONE})

    for library in (httpx, httpx2):
        kind = Kind(library, asynchronous=True)

        async def scenario(caller: Caller) -> Any:
            return (await caller.do("post", "https://openrouter.ai/api/v1/chat/completions", json=PROMPT)).content

        seen = same(kind, "unused.example", scenario, lambda kind=kind: {"transport": kind.library.ASGITransport(app)})
        assert (seen.only.outcome, seen.only.cost) == ("completed", COST)


def events(client: Any, server: Replay) -> Any:
    return client.sse(server.url, method="POST", json=PROMPT)


@pytest.mark.parametrize("transport", [None, httpx_aiohttp.httpx2.AiohttpTransport])
@pytest.mark.parametrize("leave", [True, False])
def test_httpx2s_own_reader_of_events_is_listened_to(transport: Any, leave: bool, server: Replay) -> None:
    server.answer = HELD if leave else ANSWERS["streamed"]

    async def main() -> Any:
        read = []
        async with (
            httpx2.AsyncClient(transport=transport and transport()) as client,
            events(client, server) as source,
        ):
            async for event in source:
                read.append(event.data)
                if leave:
                    break
        return read

    bare = asyncio.run(main())
    with watched(server.host) as seen:
        assert asyncio.run(main()) == bare
    check_events(seen, leave=leave)


@pytest.mark.parametrize("leave", [True, False])
def test_httpx2s_own_reader_of_events_is_listened_to_where_it_waits(leave: bool, server: Replay) -> None:
    server.answer = HELD if leave else ANSWERS["streamed"]

    def main() -> Any:
        read = []
        with httpx2.Client() as client, events(client, server) as source:
            for event in source:
                read.append(event.data)
                if leave:
                    break
        return read

    bare = main()
    with watched(server.host) as seen:
        assert main() == bare
    check_events(seen, leave=leave)


def check_events(seen: Watched, *, leave: bool) -> None:
    gc.collect()
    assert len(seen.spans) == 1
    assert (seen.only.outcome, seen.only.cost) == (("closed", None) if leave else ("completed", COST))
