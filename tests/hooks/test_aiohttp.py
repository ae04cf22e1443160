"""The application sees of a hooked aiohttp session what it sees of a bare one."""

import asyncio
import gc
import gzip
import inspect
import io
import re
import warnings
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import aiohttp
import brotli
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer, unused_port

from tests.hooks.session import run, same, snapshot
from tests.support.answers import GENERATION, JSON, PROMPT, SSE, STREAM, plain
from tests.support.replay import Answer, Replay, Request
from tests.support.watched import watched

WHOLE = b"".join(STREAM)
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
    "deflate": Answer(200, {**JSON, "content-encoding": "deflate"}, [zlib.compress(plain())]),
    "br": Answer(200, {**JSON, "content-encoding": "br"}, [brotli.compress(plain())]),
    "gzipped events": Answer(200, {**SSE, "content-encoding": "gzip"}, [gzip.compress(WHOLE)]),
    "unknown encoding": Answer(200, {**JSON, "content-encoding": "utf-8"}, [plain()]),
    "cookies": Answer(200, {**JSON, "set-cookie": "a=b; Path=/"}, [plain()]),
}
UNDERSTOOD = {"json", "one byte at a time", "events", "gzip", "deflate", "br", "gzipped events", "unknown encoding"}


@pytest.fixture(params=BODIES)
def body(request: pytest.FixtureRequest, server: Replay) -> str:
    server.answer = BODIES[request.param]
    return str(request.param)


Reader = Callable[[aiohttp.ClientResponse], Awaitable[Any]]


async def in_one(response: aiohttp.ClientResponse) -> Any:
    return await response.read()


async def as_text(response: aiohttp.ClientResponse) -> Any:
    return await response.text()


async def as_json(response: aiohttp.ClientResponse) -> Any:
    return await response.json()


async def by_line(response: aiohttp.ClientResponse) -> Any:
    return [line async for line in response.content]


async def by_any(response: aiohttp.ClientResponse) -> Any:
    return b"".join([piece async for piece in response.content.iter_any()])


async def by_seven(response: aiohttp.ClientResponse) -> Any:
    return b"".join([piece async for piece in response.content.iter_chunked(7)])


async def by_chunk(response: aiohttp.ClientResponse) -> Any:
    return b"".join([piece async for piece, _ in response.content.iter_chunks()])


async def by_block(response: aiohttp.ClientResponse) -> Any:
    blocks = []
    while block := await response.content.readuntil(b"}"):
        blocks.append(block)
    return blocks


async def by_count(response: aiohttp.ClientResponse) -> Any:
    try:
        while True:
            await response.content.readexactly(100)
    except asyncio.IncompleteReadError as error:
        return error.partial, error.expected


async def when_it_is_there(response: aiohttp.ClientResponse) -> Any:
    await response.content.wait_eof()
    return response.content.read_nowait(10) + response.content.read_nowait() if response.content.total_bytes else b""


async def now_this_way_now_that(response: aiohttp.ClientResponse) -> Any:
    content = response.content
    return [await content.read(1), await content.readline(), await content.read(), await content.read()]


READERS = [in_one, as_text, as_json, by_line, by_any, by_seven, by_chunk, by_block, by_count, when_it_is_there]
every_reader = pytest.mark.parametrize("read", [*READERS, now_this_way_now_that])


@every_reader
def test_an_answer_is_the_same_however_it_is_read(read: Reader, body: str, server: Replay) -> None:
    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            before = type(response), response.status
            got = await read(response)
            return before, got, snapshot(response)

    seen = same(server.host, scenario)
    assert len(seen) == len(seen.spans) == 1
    if body in UNDERSTOOD:
        assert (seen.only.outcome, seen.only.generation_id) == ("completed", GENERATION)


async def post(session: aiohttp.ClientSession, url: str, **options: Any) -> Any:
    """Ask and read in the way of most applications."""
    async with session.post(url, json=PROMPT, **options) as response:
        return await response.read(), snapshot(response)


def test_an_answer_is_the_same_without_a_block(body: str, server: Replay) -> None:
    async def scenario(session: aiohttp.ClientSession) -> Any:
        response = await session.post(server.url, json=PROMPT)
        try:
            return await response.read(), await response.read(), snapshot(response)
        finally:
            response.release()

    assert len(same(server.host, scenario)) == 1


def test_a_body_that_is_left_encoded_is_read_all_the_same(server: Replay) -> None:
    server.answer = BODIES["gzip"]
    for session_wide in (True, False):
        options = {"auto_decompress": False}
        seen = same(
            server.host,
            lambda session, more=({} if session_wide else options): post(session, server.url, **more),
            lambda options=(options if session_wide else {}): options,
        )
        assert (seen.only.outcome, seen.only.generation_id) == ("completed", GENERATION)


def test_a_long_body_that_is_read_at_once_is_known_whole(server: Replay) -> None:
    vectors = b'{"data":[' + b",".join([b"0.12345678"] * 1_000_000) + b'],"id":"%s",' % GENERATION.encode()
    server.answer = Answer(200, JSON, [vectors, plain()[1:]])
    assert same(server.host, lambda session: post(session, server.url)).only.generation_id == GENERATION


def test_a_body_that_never_comes_has_its_headers_known(server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "x-generation-id": GENERATION}, [b" "], hold=True)

    async def scenario(session: aiohttp.ClientSession) -> None:
        async with session.post(server.url, json=PROMPT):
            assert [(call.generation_id, call.http_status) for call in seen.opened] == [(GENERATION, 200)]
            assert list(seen) == []

    with watched(server.host) as seen:
        run(scenario)


def test_nothing_is_read_ahead(server: Replay) -> None:
    """What has come, and lies in the stream's own buffer, is not shown before the application asks for it."""
    server.answer = Answer(200, SSE, STREAM[:-1], hold=True)

    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            first, _ = await response.content.readchunk()
            while response.content.total_bytes < len(WHOLE) - len(STREAM[-1]):  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            return first

    seen = same(server.host, scenario)
    assert (seen.only.outcome, seen.only.cost, seen.only.provider) == ("closed", None, None)


@pytest.mark.parametrize("name", ["json", "refused", "broken"])
def test_raise_for_status_raises_as_ever(name: str, server: Replay) -> None:
    server.answer = BODIES[name]
    server.answer = Answer(server.answer.status, {**JSON, "x-generation-id": GENERATION}, server.answer.chunks)

    async def by_itself(session: aiohttp.ClientSession) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            response.raise_for_status()
            return await response.json()

    async def without_a_block(session: aiohttp.ClientSession) -> Any:
        response = await session.post(server.url, json=PROMPT)
        response.raise_for_status()
        return await response.json()

    async def of_the_request(session: aiohttp.ClientSession) -> Any:
        return await post(session, server.url, raise_for_status=True)

    async def of_the_session(session: aiohttp.ClientSession) -> Any:
        return await post(session, server.url)

    async def not_of_this_request(session: aiohttp.ClientSession) -> Any:
        return await post(session, server.url, raise_for_status=False)

    for scenario, options in (
        (by_itself, {}),
        (without_a_block, {}),
        (of_the_request, {}),
        (of_the_session, {"raise_for_status": True}),
        (not_of_this_request, {"raise_for_status": True}),
    ):
        seen = same(server.host, scenario, lambda options=options: options)
        status = server.answer.status
        assert (seen.only.http_status, seen.only.generation_id) == (status, GENERATION), scenario
        assert seen.only.error_type == (None if status == 200 else str(status))


@pytest.mark.parametrize("session_wide", [True, False])
@pytest.mark.parametrize("reads", [True, False])
def test_an_own_raise_for_status_is_asked_once_and_may_read(reads: bool, session_wide: bool, server: Replay) -> None:
    server.answer = Answer(402, JSON, [b'{"error":{"message":"Insufficient credits","code":402}}'])

    def options() -> dict[str, Any]:
        asked: list[aiohttp.ClientResponse] = []

        async def check(response: aiohttp.ClientResponse) -> None:
            asked.append(response)
            raise LookupError(len(asked), await response.text() if reads else None)

        return {"raise_for_status": check}

    seen = same(
        server.host,
        lambda session: post(session, server.url, **({} if session_wide else options())),
        options if session_wide else dict,
    )
    assert (seen.only.outcome, seen.only.http_status, seen.only.error_type) == ("error", 402, "402")
    assert seen.only.error_message == ("Insufficient credits" if reads else None)


def test_redirects_are_followed_with_the_same_history(server: Replay) -> None:
    server.answers["/api/v1/chat/completions"] = Answer(307, {**JSON, "location": "/elsewhere"}, [b"gone"])
    server.answers["/elsewhere"] = BODIES["json"]
    assert same(server.host, lambda session: post(session, server.url)).only.generation_id == GENERATION


def test_redirects_are_left_alone_where_they_are_not_to_be_followed(server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/elsewhere"}, [b"{}"])
    assert len(same(server.host, lambda session: post(session, server.url, allow_redirects=False))) == 1


def test_cookies_are_kept_and_sent_back(server: Replay) -> None:
    server.answer = BODIES["cookies"]

    def options() -> dict[str, Any]:
        return {"cookie_jar": aiohttp.CookieJar(unsafe=True)}  # which keeps those of an address, too

    async def scenario(session: aiohttp.ClientSession) -> Any:
        return await post(session, server.url), await post(session, server.url), list(map(str, session.cookie_jar))

    assert len(same(server.host, scenario, options)) == 2
    assert server.requests[-1].headers["cookie"] == "a=b"


@pytest.mark.parametrize("headers", [{"X-Own": "1"}, [("X-Own", "1")], (("X-Own", "1"),), None])
def test_nothing_is_added_to_the_request(headers: Any, server: Replay) -> None:
    def options() -> dict[str, Any]:
        return {"headers": {"Authorization": "Bearer secret-of-mine", "X-Session-Id": "s_1"}}

    seen = same(server.host, lambda session: post(session, server.url, headers=headers, params={"q": "1"}), options)
    bare, hooked = server.requests
    assert hooked == bare
    assert (seen.only.session, seen.only.key_hash is not None) == ("s_1", True)


def test_headers_that_can_be_read_once_are_left_to_the_client(server: Replay) -> None:
    same(server.host, lambda session: post(session, server.url, headers=iter([("X-Own", "1")])))
    assert [request.headers["x-own"] for request in server.requests] == ["1", "1"]


async def prompts() -> AsyncIterator[bytes]:
    yield b'{"model":'
    yield b'"openai/gpt-5"}'


MODEL = b'{"model":"openai/gpt-5"}'
SENT: dict[str, tuple[Callable[[], dict[str, Any]], str | None]] = {
    "json": (lambda: {"json": {"model": "openai/gpt-5"}}, "openai/gpt-5"),
    "bytes": (lambda: {"data": MODEL}, "openai/gpt-5"),
    "str": (lambda: {"data": MODEL.decode()}, "openai/gpt-5"),
    "bytearray": (lambda: {"data": bytearray(MODEL)}, "openai/gpt-5"),
    "memoryview": (lambda: {"data": memoryview(MODEL)}, "openai/gpt-5"),
    "a payload": (lambda: {"data": aiohttp.JsonPayload({"model": "openai/gpt-5"})}, "openai/gpt-5"),
    "compressed": (lambda: {"data": MODEL, "compress": True}, "openai/gpt-5"),
    "a form": (lambda: {"data": {"model": "openai/gpt-5"}}, "openai/gpt-5"),
    "a form with a file": (lambda: {"data": form()}, "openai/gpt-5"),
    "a lone surrogate": (lambda: {"json": {"model": "openai/gpt-5", "messages": "\ud800"}}, "openai/gpt-5"),
    "a file": (lambda: {"data": io.BytesIO(MODEL)}, None),
    "a generator": (lambda: {"data": prompts()}, None),
    "nothing": (dict, None),
}


def form() -> aiohttp.FormData:
    written = aiohttp.FormData()
    written.add_field("model", "openai/gpt-5")
    written.add_field("file", io.BytesIO(b"RIFF"), filename="a.wav")
    return written


@pytest.mark.parametrize("name", SENT)
def test_a_body_is_sent_as_ever_and_read_where_it_is_in_memory(name: str, server: Replay) -> None:
    server.answer = BODIES["json"]
    asked, model = SENT[name]

    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with session.post(server.url, **asked()) as response:
            return await response.read()

    seen = same(server.host, scenario)
    bare, hooked = map(unbounded, server.requests)
    assert hooked == bare
    assert (seen.only.request_model, seen.only.generation_id) == (model, GENERATION)


def unbounded(request: Request) -> Any:
    """Return a request without the boundary of its form, which is random."""
    boundary = request.headers.get("content-type", "").partition("boundary=")[2]
    body = request.body.replace(boundary.encode(), b"") if boundary else request.body
    return body, {name: value for name, value in request.headers.items() if not boundary or boundary not in value}


def test_an_own_serializer_is_asked_once(server: Replay) -> None:
    """What only it knows how to write down does not hide the rest from us."""

    class Own:
        pass

    def options() -> dict[str, Any]:
        written: list[Any] = []
        return {"json_serialize": lambda value: (written.append(value), f'{{"times":{len(written)}}}')[1]}

    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with session.post(server.url, json={"model": "openai/gpt-5", "own": Own()}) as response:
            return await response.read()

    seen = same(server.host, scenario, options)
    assert [request.body for request in server.requests] == [b'{"times":1}', b'{"times":1}']
    assert seen.only.request_model == "openai/gpt-5"


def test_a_base_url_is_part_of_where_a_request_goes(server: Replay) -> None:
    server.answer = BODIES["json"]
    seen = same(
        server.host,
        lambda session: post(session, "chat/completions"),
        lambda: {"base_url": f"{server.base_url}/"},
    )
    assert (seen.only.generation_id, seen.only.server_address) == (GENERATION, "127.0.0.1")


def test_the_arguments_may_be_named(server: Replay) -> None:
    server.answer = BODIES["json"]

    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with await session._request(method="post", str_or_url=server.url, json=PROMPT) as response:
            return await response.read()

    assert same(server.host, scenario).only.generation_id == GENERATION


EVENTS = ("request_start", "request_end", "request_exception", "response_chunk_received", "request_redirect")


@pytest.mark.parametrize("name", ["json", "events", "gzip", "refused"])
@pytest.mark.parametrize("reads", [True, False])
def test_traces_are_told_the_same_and_may_read(name: str, reads: bool, server: Replay) -> None:
    server.answer = BODIES[name]
    told: list[Any] = []

    def options() -> dict[str, Any]:
        config = aiohttp.TraceConfig()

        async def tell(_session: Any, _context: Any, params: Any) -> None:
            told[-1].append((type(params).__name__, params.method, str(params.url)))
            if reads and hasattr(params, "response"):
                told[-1].append(await params.response.read())

        for event in EVENTS:
            getattr(config, f"on_{event}").append(tell)
        told.append([])
        return {"trace_configs": [config]}

    seen = same(server.host, lambda session: post(session, server.url), options)
    assert told[0] == told[1]
    assert len(seen) == 1
    if name != "refused":
        assert (seen.only.outcome, seen.only.generation_id) == ("completed", GENERATION)


def test_a_trace_may_read_the_stream_itself(server: Replay) -> None:
    server.answer = BODIES["events"]

    def options() -> dict[str, Any]:
        config = aiohttp.TraceConfig()

        async def tell(_session: Any, _context: Any, params: Any) -> None:
            await params.response.content.readany()

        config.on_request_end.append(tell)
        return {"trace_configs": [config]}

    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            await response.content.wait_eof()
            return len(await response.read()) < len(WHOLE)

    assert len(same(server.host, scenario, options)) == 1


def test_a_middleware_may_ask_twice_for_one_call(server: Replay) -> None:
    def options() -> dict[str, Any]:
        async def retry(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            server.answer = BODIES["refused"]
            first = await handler(request)
            await first.read()
            server.answer = BODIES["json"]
            return await handler(request)

        return {"middlewares": [retry]}

    seen = same(server.host, lambda session: post(session, server.url), options)
    assert (seen.only.outcome, seen.only.generation_id, len(server.requests)) == ("completed", GENERATION, 4)


@pytest.mark.parametrize("act", ["read", "release", "close"])
def test_a_middleware_may_be_at_the_answer_first(act: str, server: Replay) -> None:
    server.answer = BODIES["json"]

    def options() -> dict[str, Any]:
        async def spoil(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
            response = await handler(request)
            result = getattr(response, act)()
            if inspect.isawaitable(result):
                await result
            return response

        return {"middlewares": [spoil]}

    seen = same(server.host, lambda session: post(session, server.url), options)
    assert seen.only.outcome == ("completed" if act == "read" else "closed")


def test_a_response_class_of_the_applications_own_stays(server: Replay) -> None:
    server.answer = BODIES["json"]

    class Own(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            return (await super().read())[-1:]

    seen = same(server.host, lambda session: post(session, server.url), lambda: {"response_class": Own})
    assert seen.only.generation_id == GENERATION


def test_the_connection_is_used_again_when_it_would_be(server: Replay) -> None:
    server.answer = BODIES["json"]

    async def scenario(session: aiohttp.ClientSession) -> Any:
        connector: Any = session.connector
        held = []
        for read in (True, True, False, True):
            server.answer = BODIES["json"] if read else Answer(200, SSE, STREAM[:1], hold=True)
            async with session.post(server.url, json=PROMPT) as response:
                if read:
                    await response.read()
            held.append((len(connector._acquired), sum(map(len, connector._conns.values()))))
        return held

    assert len(same(server.host, scenario)) == 4


@pytest.mark.parametrize(("status", "known"), [(204, "invalid_response"), (304, "304")])
def test_an_answer_without_a_body_is_completed_at_once(status: int, known: str) -> None:
    async def scenario(session: aiohttp.ClientSession) -> Any:
        async def answer(_request: web.Request) -> web.Response:
            return web.Response(status=status)

        app = web.Application()
        app.router.add_post("/api/v1/chat/completions", answer)
        async with TestServer(app, port=port) as server:
            response = await session.post(server.make_url("/api/v1/chat/completions"), json=PROMPT)
            return snapshot(response)

    port = unused_port()
    seen = same("127.0.0.1", scenario)
    assert (seen.only.http_status, seen.only.outcome, len(seen.spans)) == (status, "error", 1)
    assert seen.only.error_type == known


@pytest.mark.filterwarnings("ignore:unread_data:DeprecationWarning")
def test_what_is_put_back_is_not_shown_twice(server: Replay) -> None:
    server.answer = BODIES["json"]

    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            start = await response.content.readexactly(30)
            response.content.unread_data(start)
            return await response.content.readexactly(40), await response.content.read()

    assert same(server.host, scenario).only.generation_id == GENERATION


def test_a_stream_may_be_the_body_of_the_next_request(server: Replay) -> None:
    server.answer = BODIES["events"]

    async def scenario(session: aiohttp.ClientSession) -> Any:
        async with (
            session.post(server.url, json=PROMPT) as response,
            session.post(server.base_url + "/models", data=response.content) as other,
        ):
            return other.status, server.requests[-1].body

    seen = same(server.host, scenario)
    assert (seen.only.outcome, seen.only.generation_id) == ("completed", GENERATION)


def test_a_response_that_is_left_open_is_complained_of_as_ever(server: Replay) -> None:
    """aiohttp does so in the debug mode of the loop, when the response is collected: with its connection."""
    server.answer = Answer(200, SSE, STREAM[:2], hold=True)

    async def scenario(session: aiohttp.ClientSession) -> Any:
        complaints: list[str] = []
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: complaints.append(context["message"]))
        loop.slow_callback_duration = 60
        response = await session.post(server.url, json=PROMPT)
        await response.content.readline()
        del response
        with warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            await session.close()
            await asyncio.sleep(0)
            gc.collect()
        return complaints, [(each.category, re.sub("'Date': '.*?'", "", str(each.message))) for each in warned]

    seen = same(server.host, scenario, debug=True)
    assert seen.only.outcome == "abandoned"
    assert "Unclosed response" in run(scenario, debug=True)[0]


def test_a_request_that_is_never_awaited_is_complained_of_as_ever(server: Replay) -> None:
    async def scenario(session: aiohttp.ClientSession) -> Any:
        with pytest.warns(RuntimeWarning, match="never awaited") as warned:
            session.post(server.url, json=PROMPT)
        return [str(each.message) for each in warned]

    assert len(same(server.host, scenario)) == 0


def test_request_looks_as_it_did() -> None:
    def looks() -> Any:
        function = aiohttp.ClientSession._request
        return (
            inspect.signature(function),
            inspect.iscoroutinefunction(function),
            inspect.isfunction(function),
            function.__name__,
            function.__qualname__,
            function.__doc__,
            function.__module__,
            function.__annotations__,
        )

    bare = looks()
    with watched():
        assert looks() == bare


def test_the_librarys_own_function_is_seen_too(server: Replay) -> None:
    server.answer = BODIES["json"]

    async def scenario(_session: aiohttp.ClientSession) -> Any:
        async with aiohttp.request("POST", server.url, json=PROMPT) as response:
            return await response.json()

    assert same(server.host, scenario).only.generation_id == GENERATION


def test_a_websocket_is_no_call() -> None:
    async def talk(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(message.data + "!")
        return socket

    async def scenario(session: aiohttp.ClientSession) -> Any:
        app = web.Application()
        app.router.add_get("/api/v1/chat/completions", talk)
        async with TestServer(app) as server, session.ws_connect(server.make_url("/api/v1/chat/completions")) as socket:
            await socket.send_str("Hello")
            return (await socket.receive()).data

    seen = same("127.0.0.1", scenario)
    assert (list(seen), seen.opened, seen.spans) == ([], [], ())


def test_other_hosts_and_other_paths_open_nothing(server: Replay) -> None:
    async def scenario(session: aiohttp.ClientSession) -> Any:
        await post(session, server.url)
        async with session.get(server.base_url + "/models") as response:
            return type(response.content)

    for host in ("127.0.0.2", f"{server.base_url}/other"):
        with watched(host) as seen:
            assert run(scenario) is aiohttp.StreamReader
        assert (list(seen), seen.opened, seen.spans) == ([], [], ())


def test_a_request_to_another_host_is_the_clients_own_coroutine(server: Replay) -> None:
    async def scenario(session: aiohttp.ClientSession) -> Any:
        coroutine = session._request("GET", server.base_url)
        try:
            return coroutine.cr_code is aiohttp.ClientSession._request.__wrapped__.__code__
        finally:
            coroutine.close()

    with watched("127.0.0.2"):
        assert run(scenario) is True
