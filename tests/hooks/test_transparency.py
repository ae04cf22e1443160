"""The application sees of a hooked client what it sees of a bare one."""

import gzip
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import httpx2
import pytest

from tests.hooks.caller import KINDS, Caller, Kind, calling, every_kind, run, same, shell, snapshot
from tests.support.answers import GENERATION, JSON, PROMPT, SSE, STREAM, plain
from tests.support.replay import Answer, Replay
from tests.support.watched import watched

BODIES = {
    "json": Answer(200, JSON, [b"\n         \n", plain()]),
    "one byte at a time": Answer(200, JSON, [bytes([byte]) for byte in plain()]),
    "empty": Answer(200, JSON, []),
    "no json": Answer(200, {"content-type": "text/plain; charset=latin-1"}, [b"caf\xe9"]),
    "no utf-8": Answer(200, JSON, [b'{"id":"\xff\xfe"}']),
    "refused": Answer(429, {**JSON, "retry-after": "1"}, [b'{"error":{"message":"Rate limit","code":429}}']),
    "broken": Answer(500, {"content-type": "text/html"}, [b"<h1>Sorry</h1>"]),
    "events": Answer(200, SSE, STREAM),
    "gzip": Answer(200, {**JSON, "content-encoding": "gzip"}, [gzip.compress(plain())]),
    "gzipped events": Answer(200, {**SSE, "content-encoding": "gzip"}, [gzip.compress(b"".join(STREAM))]),
    "unknown encoding": Answer(200, {**JSON, "content-encoding": "utf-8"}, [plain()]),
    "cookies": Answer(200, {**JSON, "set-cookie": "a=b; Path=/"}, [plain()]),
}


@pytest.fixture(params=BODIES)
def body(request: pytest.FixtureRequest, server: Replay) -> str:
    server.answer = BODIES[request.param]
    return str(request.param)


@every_kind
def test_a_plain_answer_is_the_same(kind: Kind, body: str, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        return snapshot(await caller.do("post", server.url, json=PROMPT))

    assert len(same(kind, server.host, scenario)) == 1


@every_kind
def test_a_streamed_answer_that_is_read_whole_is_the_same(kind: Kind, body: str, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        before = shell(response)
        content = await caller.read(response)
        return before, content, snapshot(response)

    assert len(same(kind, server.host, scenario)) == 1


@every_kind
@pytest.mark.parametrize("how", ["iter_raw", "iter_bytes", "iter_text", "iter_lines"])
def test_a_streamed_answer_comes_in_the_same_pieces(kind: Kind, how: str, server: Replay) -> None:
    server.answer = BODIES["gzipped events"]

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        return "".join(map(str, await caller.pieces(response, how))), shell(response)

    assert same(kind, server.host, scenario).only.generation_id == GENERATION


@every_kind
@pytest.mark.parametrize("how", ["iter_raw", "iter_bytes", "iter_text"])
def test_the_size_of_the_pieces_is_the_callers_choice(kind: Kind, how: str, server: Replay) -> None:
    server.answer = BODIES["events"]

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        return await caller.pieces(response, how, chunk_size=7), shell(response)

    assert same(kind, server.host, scenario).only.generation_id == GENERATION


@every_kind
def test_json_and_raise_for_status_work_as_ever(kind: Kind, body: str, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        response = await caller.do("post", server.url, json=PROMPT)
        return response.raise_for_status().json()

    same(kind, server.host, scenario)


@every_kind
def test_elapsed_is_known_when_it_would_be(kind: Kind, server: Replay) -> None:
    server.answer = BODIES["events"]

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        with pytest.raises(RuntimeError) as early:
            _ = response.elapsed
        await caller.close(response)
        return str(early.value), type(response.elapsed), response.elapsed.total_seconds() > 0

    same(kind, server.host, scenario)


@every_kind
def test_what_is_found_on_the_clients_own_stream_is_found_on_ours(kind: Kind, server: Replay) -> None:
    server.answer = BODIES["events"]

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        await caller.close(response)
        return type(response.stream._stream), hasattr(response.stream, "no such thing")

    same(kind, server.host, scenario)


@every_kind
def test_redirects_are_followed_with_the_same_history(kind: Kind, server: Replay) -> None:
    server.answers["/api/v1/chat/completions"] = Answer(307, {**JSON, "location": "/elsewhere"}, [b"gone"])
    server.answers["/elsewhere"] = Answer(200, JSON, [plain()])

    async def scenario(caller: Caller) -> Any:
        response = await caller.do("post", server.url, json=PROMPT, follow_redirects=True)
        return snapshot(response), [each.content for each in response.history]

    assert same(kind, server.host, scenario).only.generation_id == GENERATION


@every_kind
def test_redirects_are_left_alone_by_a_client_that_does_not_follow(kind: Kind, server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/elsewhere"}, [b"{}"])

    async def scenario(caller: Caller) -> Any:
        response = await caller.do("post", server.url, json=PROMPT)
        return snapshot(response), str(response.next_request.url)

    same(kind, server.host, scenario)


@every_kind
def test_cookies_are_kept_and_sent_back(kind: Kind, server: Replay) -> None:
    server.answer = BODIES["cookies"]

    async def scenario(caller: Caller) -> Any:
        await caller.do("post", server.url, json=PROMPT)
        response = await caller.do("post", server.url, json=PROMPT)
        return snapshot(response), dict(caller.client.cookies)

    assert len(same(kind, server.host, scenario)) == 2


@every_kind
def test_an_auth_flow_that_reads_the_answer_gets_it(kind: Kind, server: Replay) -> None:
    server.answer = Answer(401, JSON, [b'{"nonce":"n"}'])

    class Nonce(kind.library.Auth):
        requires_response_body = True

        def auth_flow(self, request: Any) -> Any:
            response = yield request
            request.headers["x-nonce"] = response.json()["nonce"]
            server.answer = BODIES["json"]
            yield request

    async def scenario(caller: Caller) -> Any:
        server.answer = Answer(401, JSON, [b'{"nonce":"n"}'])
        return snapshot(await caller.do("post", server.url, json=PROMPT, auth=Nonce()))

    assert same(kind, server.host, scenario).only.generation_id == GENERATION
    assert server.requests[-1].headers["x-nonce"] == "n"


def response_hook(kind: Kind, act: Callable[[Any], Any]) -> Callable[[], dict[str, Any]]:
    async def hook(response: Any) -> None:
        result = act(response)
        if inspect.isawaitable(result):
            await result

    return lambda: {"event_hooks": {"response": [hook if kind.asynchronous else act]}}


async def post(caller: Caller, server: Replay) -> Any:
    return snapshot(await caller.do("post", server.url, json=PROMPT))


async def stream(caller: Caller, server: Replay) -> Any:
    response = await caller.open(server.url, json=PROMPT)
    return await caller.read(response), snapshot(response)


@every_kind
@pytest.mark.parametrize("ask", [post, stream])
@pytest.mark.parametrize("name", ["json", "events", "gzip"])
def test_an_event_hook_may_read_the_answer(kind: Kind, ask: Any, name: str, server: Replay) -> None:
    server.answer = BODIES[name]
    options = response_hook(kind, lambda response: response.aread() if kind.asynchronous else response.read())
    seen = same(kind, server.host, lambda caller: ask(caller, server), options)
    assert (seen.only.outcome, seen.only.generation_id) == ("completed", GENERATION)


def consume(response: Any) -> Any:
    if not hasattr(response.stream, "__aiter__"):
        return list(response.iter_raw())

    async def all_of_it() -> None:
        async for _ in response.aiter_raw():
            pass

    return all_of_it()


def close(response: Any) -> Any:
    return response.aclose() if hasattr(response.stream, "__aiter__") else response.close()


def leave(_response: Any) -> Any:
    raise LookupError("no such model")


def check(response: Any) -> Any:
    response.raise_for_status()


@every_kind
@pytest.mark.parametrize("ask", [post, stream])
@pytest.mark.parametrize("act", [consume, close, leave, check])
def test_an_event_hook_may_spoil_the_answer(kind: Kind, ask: Any, act: Any, server: Replay) -> None:
    server.answer = Answer(402, JSON, [plain()])
    seen = same(kind, server.host, lambda caller: ask(caller, server), response_hook(kind, act))
    assert len(seen) == len(seen.spans) == 1
    assert seen.only.error_type is not None


@every_kind
def test_a_mounted_transport_carries_the_request(kind: Kind) -> None:
    def answer(request: Any) -> Any:
        return kind.library.Response(200, json={"id": GENERATION, "path": request.url.path})

    def options() -> dict[str, Any]:
        return {"mounts": {"all://models.example": kind.library.MockTransport(answer)}}

    async def scenario(caller: Caller) -> Any:
        return snapshot(await caller.do("post", "https://models.example/chat/completions", json=PROMPT))

    assert same(kind, "models.example", scenario, options).only.generation_id == GENERATION


class Pieces:
    """A transport's own byte stream."""

    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    async def __aiter__(self) -> Any:
        for piece in self.pieces:
            yield piece


@every_kind
@pytest.mark.parametrize("ask", ["post", "open"])
def test_a_custom_transport_carries_the_request(kind: Kind, ask: str) -> None:
    own = type("Own", (Pieces, kind.byte_stream), {})

    class Transport(kind.library.AsyncBaseTransport if kind.asynchronous else kind.library.BaseTransport):
        def handle_request(self, _request: Any) -> Any:
            return kind.library.Response(200, headers=SSE, stream=own(*STREAM), extensions={"own": True})

        async def handle_async_request(self, request: Any) -> Any:
            return self.handle_request(request)

    async def scenario(caller: Caller) -> Any:
        url = "https://openrouter.ai/api/v1/chat/completions"
        response = await (caller.open(url, json=PROMPT) if ask == "open" else caller.do("post", url, json=PROMPT))
        await caller.read(response)
        return snapshot(response)

    seen = same(kind, "unused.example", scenario, lambda: {"transport": Transport()})
    assert seen.only.outcome == "completed"


@every_kind
def test_a_request_body_that_is_streamed_up_is_not_read(kind: Kind) -> None:
    def answer(request: Any) -> Any:
        return kind.library.Response(200, json={"id": GENERATION, "sent": request.content.decode()})

    async def scenario(caller: Caller) -> Any:
        url = "https://openrouter.ai/api/v1/chat/completions"
        sent = Pieces(b'{"model":', b'"openai/gpt-5"}')
        return snapshot(await caller.do("post", url, content=sent.__aiter__() if kind.asynchronous else iter(sent)))

    seen = same(kind, "unused.example", scenario, lambda: {"transport": kind.library.MockTransport(answer)})
    assert (seen.only.generation_id, seen.only.request_model) == (GENERATION, None)


@every_kind
def test_nothing_is_added_to_the_request(kind: Kind, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        await caller.do("post", server.url, json=PROMPT, headers={"authorization": "Bearer secret"})

    same(kind, server.host, scenario)
    bare, hooked = server.requests
    assert hooked == bare


@every_kind
def test_timeouts_reach_the_transport(kind: Kind) -> None:
    def answer(request: Any) -> Any:
        return kind.library.Response(200, json=request.extensions["timeout"])

    async def scenario(caller: Caller) -> Any:
        request = caller.client.build_request("POST", "https://openrouter.ai/api/v1/chat/completions", timeout=2.5)
        return (await caller.do("send", request)).json()

    same(kind, "unused.example", scenario, lambda: {"transport": kind.library.MockTransport(answer)})


@every_kind
def test_send_looks_as_it_did(kind: Kind) -> None:
    def look(function: Any) -> Any:
        return (
            inspect.signature(function),
            inspect.iscoroutinefunction(function),
            inspect.isfunction(function) or inspect.ismethod(function),
            function.__name__,
            function.__qualname__,
            function.__doc__,
            function.__module__,
            function.__annotations__,
        )

    def looks() -> Any:
        return look(kind.client.send), look(kind.client().send)

    bare = looks()
    with watched():
        assert looks() == bare


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_the_libraries_own_functions_are_seen_too(library: Any, server: Replay) -> None:
    server.answer = BODIES["json"]
    with watched(server.host) as seen:
        assert library.post(server.url, json=PROMPT).content.endswith(plain())
        with library.stream("POST", server.url, json=PROMPT) as response:
            assert response.read().endswith(plain())
    assert [call.generation_id for call in seen] == [GENERATION, GENERATION]


def test_httpx2s_own_reader_of_events_works(server: Replay) -> None:
    server.answer = BODIES["events"]

    def events() -> list[str]:
        with httpx2.Client() as client, client.sse(server.url, method="POST", json=PROMPT) as source:
            return [each.data for each in source]

    bare = events()
    with watched(server.host) as seen:
        assert events() == bare
    assert seen.only.outcome == "completed"


@every_kind
def test_a_subclass_that_overrides_send_is_seen_once(kind: Kind, server: Replay) -> None:
    server.answer = BODIES["json"]

    class Own(kind.client):
        def send(self, request: Any, **kwargs: Any) -> Any:
            request.headers["x-own"] = "1"
            return super().send(request, **kwargs)

    async def scenario(_caller: Caller) -> Any:
        client = Own()
        try:
            return snapshot(await Caller(kind, client).do("post", server.url, json=PROMPT))
        finally:
            await Caller(kind, client).do("aclose" if kind.asynchronous else "close")

    assert same(kind, server.host, scenario).only.generation_id == GENERATION
    assert server.requests[-1].headers["x-own"] == "1"


@every_kind
def test_other_hosts_and_other_paths_open_nothing(kind: Kind, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        elsewhere = await caller.do("post", server.url, json=PROMPT)
        models = await caller.do("get", server.base_url + "/models")
        return snapshot(elsewhere), snapshot(models)

    with watched("127.0.0.2") as seen:
        run(kind, scenario)
    assert (list(seen), seen.opened, seen.spans) == ([], [], ())
    with watched(f"{server.base_url}/other") as seen:
        run(kind, scenario)
    assert (list(seen), seen.opened, seen.spans) == ([], [], ())


def test_two_clients_of_the_four_are_enough_to_share_a_process(server: Replay) -> None:
    server.answer = BODIES["json"]

    async def both() -> None:
        for kind in KINDS:
            async with calling(kind) as caller:
                await caller.do("post", server.url, json=PROMPT)

    import asyncio  # noqa: PLC0415

    with watched(server.host) as seen:
        asyncio.run(both())
    assert len(seen) == len(KINDS)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.asynchronous], ids=str)
def test_a_request_that_is_never_awaited_is_named_as_ever(kind: Kind, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        with pytest.warns(RuntimeWarning, match="never awaited") as warned:
            caller.client.send(caller.client.build_request("POST", server.url, json=PROMPT))
        return [str(each.message) for each in warned]

    bare = run(kind, scenario)
    with watched(server.host):
        assert run(kind, scenario) == bare
