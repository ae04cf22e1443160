"""What a hooked niquests shows its application, and us. Run by `test_niquests.py`, where niquests is.

Its urllib3-future takes the place of urllib3, so that it cannot share an environment with requests.
"""

import asyncio
import gc
import gzip
import inspect
import io
import json
import re
import socket
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import niquests
import pytest
from hypercorn.asyncio import serve
from hypercorn.config import Config
from opentelemetry.sdk.trace import TracerProvider

from spancast.capture.route import Routes
from spancast.hooks.patching import Patches
from spancast.hooks.table import HOOKS
from spancast.recording.recorder import Recorder
from spancast.trace.tracing import Tracing
from tests.hooks.wires import ANOTHER_NAME, EVENTS, TWICE, UNFINISHED, chunked
from tests.support.answers import COST, DONE, GENERATION, JSON, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.recordings import Recording, differences, recordings
from tests.support.replay import Answer, Replay
from tests.support.shared import needs_shared
from tests.support.verbatim import Verbatim
from tests.support.watched import Watched, watched
from tests.support.watching import Seen

HEADERS = {**SSE, "x-generation-id": GENERATION}
WHOLE = Answer(200, HEADERS, STREAM)
HELD = Answer(200, HEADERS, TEXT, hold=True)
BODIES = {
    "json": Answer(200, JSON, [b"\n         \n", plain()]),
    "empty": Answer(200, JSON, []),
    "no json": Answer(200, {"content-type": "text/plain; charset=latin-1"}, [b"caf\xe9"]),
    "refused": Answer(429, {**JSON, "retry-after": "1"}, [b'{"error":{"message":"Rate limit","code":429}}']),
    "events": Answer(200, SSE, STREAM),
    "gzip": Answer(200, {**JSON, "content-encoding": "gzip"}, [gzip.compress(plain())]),
    "gzipped events": Answer(200, {**SSE, "content-encoding": "gzip"}, [gzip.compress(b"".join(STREAM))]),
    "cookies": Answer(200, {**JSON, "set-cookie": "a=b; Path=/"}, [plain()]),
}

# Connections that are left open are left to the collector, which complains of their sockets.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning", "ignore:loop is closed:ResourceWarning")


@dataclass(frozen=True)
class Kind:
    """One of the two sessions."""

    asynchronous: bool

    def __str__(self) -> str:
        return "async" if self.asynchronous else "sync"


KINDS = (Kind(asynchronous=False), Kind(asynchronous=True))
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


class Caller:
    """A session of either sort, called the same way."""

    def __init__(self, kind: Kind, session: Any) -> None:
        self.kind = kind
        self.session = session

    async def post(self, url: str, **options: Any) -> Any:
        return await finished(self.session.post(url, json=PROMPT, **options))

    async def content(self, response: Any) -> Any:
        return await finished(response.content)

    async def close(self, response: Any) -> None:
        await finished(response.close())

    async def pieces(self, response: Any, how: str = "iter_content", **options: Any) -> list[Any]:
        found = await finished(getattr(response, how)(**options))
        return [piece async for piece in found] if self.kind.asynchronous else list(found)

    async def first(self, response: Any) -> Any:
        """Read a piece, and leave the client's own generator open."""
        found = await finished(response.iter_content())
        return await anext(found) if self.kind.asynchronous else next(found)

    async def gather(self) -> None:
        await finished(self.session.gather())


Scenario = Callable[[Caller], Awaitable[Any]]


async def finished(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


def run(kind: Kind, scenario: Scenario, **options: Any) -> Any:
    """Return what a scenario gives with a session of its own; an exception is a result too."""

    async def main() -> Any:
        session = niquests.AsyncSession(**options) if kind.asynchronous else niquests.Session(**options)
        try:
            return await scenario(Caller(kind, session))
        except Exception as error:  # noqa: BLE001 - what is raised is compared
            return described(error)
        finally:
            await finished(session.close())

    return asyncio.run(main())


def same(kind: Kind, host: str, scenario: Scenario, **options: Any) -> Watched:
    """Run a scenario bare and hooked, compare what the application sees, and return what we saw."""
    bare = run(kind, scenario, **options)
    with watched(host) as seen:
        hooked = run(kind, scenario, **options)
        gc.collect()
    assert hooked == bare
    return seen


def described(error: BaseException | None) -> Any:
    """Return what there is to see of an exception."""
    if error is None:
        return None
    told = re.sub(r"0x[0-9a-f]+|host='[^']*', port=\d+", "", str(error))
    asked = getattr(getattr(error, "request", None), "url", None)
    return type(error), told, asked, described(error.__cause__), type(error.__context__)


def snapshot(response: Any) -> dict[str, Any]:
    """Return everything that there is to see of a response that was read."""
    return {
        **shell(response),
        "content": response._content,
        "consumed": response._content_consumed,
        "trailers": dict(response.trailers),
    }


def shell(response: Any) -> dict[str, Any]:
    """Return what there is to see of a response, read or not."""
    raw = response.raw
    return {
        "class": type(response),
        "attributes": sorted(vars(response)),
        "repr": repr(response),
        "status": (response.status_code, response.reason, response.ok, response.encoding),
        "headers": [(name, value) for name, value in response.headers.items() if name.lower() != "date"],
        "url": response.url,
        "request": (response.request.method, dict(response.request.headers), response.request.body),
        "hooks": response.request.hooks,
        "cookies": dict(response.cookies),
        "history": [shell(each) for each in response.history],
        "raw": (type(raw).__qualname__, type(raw).__module__, raw.status, raw.version, raw.tell()),
    }


@every_kind
@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("stream", [True, False])
def test_an_answer_is_the_same(kind: Kind, stream: bool, name: str, server: Replay) -> None:
    server.answer = BODIES[name]

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(server.url, stream=stream)
        before = shell(response)
        return before, await caller.content(response), snapshot(response)

    seen = same(kind, server.host, scenario)
    assert len(seen) == len(seen.spans) == 1
    if name in {"json", "events", "gzip", "gzipped events", "cookies"}:
        assert (seen.only.outcome, seen.only.cost, seen.only.request_model) == ("completed", COST, PROMPT["model"])


@every_kind
@pytest.mark.parametrize(
    ("how", "options"),
    [
        ("iter_content", {}),
        ("iter_content", {"chunk_size": 7}),
        ("iter_content", {"chunk_size": 7, "decode_unicode": True}),
        ("iter_lines", {}),
        ("iter_raw", {}),
    ],
)
@pytest.mark.parametrize("name", ["events", "gzipped events"])
def test_a_stream_comes_the_same(kind: Kind, how: str, options: dict[str, Any], name: str, server: Replay) -> None:
    server.answer = BODIES[name]

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(server.url, stream=True)
        pieces = await caller.pieces(response, how, **options)
        return pieces[0][:0].join(pieces), snapshot(response)

    seen = same(kind, server.host, scenario)
    assert (seen.only.outcome, seen.only.cost) == ("completed", COST)


@every_kind
def test_the_clients_own_reader_of_events_is_listened_to(kind: Kind, server: Replay) -> None:
    server.answer = BODIES["events"]

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(server.url.replace("http:", "psse:"))
        read = []
        while (event := await finished(response.extension.next_payload())) is not None:
            read.append(event.data)
        return read

    seen = same(kind, server.host, scenario)
    assert (seen.only.outcome, seen.only.cost) == ("completed", COST)


@every_kind
@pytest.mark.parametrize("stream", [True, False])
def test_redirects_are_followed_with_the_same_history(kind: Kind, stream: bool, server: Replay) -> None:
    server.answers["/api/v1/chat/completions"] = Answer(307, {**JSON, "location": "/elsewhere"}, [b"gone"])
    server.answers["/elsewhere"] = BODIES["json"]

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(server.url, stream=stream)
        return await caller.content(response), snapshot(response)

    assert same(kind, server.host, scenario).only.generation_id == GENERATION


@every_kind
def test_redirects_are_left_alone_where_they_are_not_to_be_followed(kind: Kind, server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/elsewhere"}, [b"{}"])

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(server.url, allow_redirects=False)
        return snapshot(response), response.next.url, response.next.hooks

    seen = same(kind, server.host, scenario)
    assert seen.only.http_status == 307


@every_kind
def test_nothing_is_added_to_the_request(kind: Kind, server: Replay) -> None:
    same(kind, server.host, lambda caller: read(caller, server.url, headers={"authorization": "Bearer secret"}))
    bare, hooked = server.requests
    assert hooked == bare


@every_kind
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("reads", [True, False])
def test_the_applications_own_hooks_are_called_the_same(kind: Kind, reads: bool, stream: bool, server: Replay) -> None:
    server.answer = BODIES["json"]
    told: list[Any] = []

    async def scenario(caller: Caller) -> Any:
        told.append([])

        async def tell(response: Any, **options: Any) -> None:
            told[-1].append((response.status_code, sorted(options), options["stream"]))
            if reads:
                await finished(response.content)

        def tell_at_once(response: Any, **options: Any) -> None:
            told[-1].append((response.status_code, sorted(options), options["stream"]))
            if reads:
                told[-1].append(response.content)

        hooks = {"response": [tell if caller.kind.asynchronous else tell_at_once]}
        response = await caller.post(server.url, stream=stream, hooks=hooks)
        content = await caller.content(response)
        return content, len(response.request.hooks["response"])

    assert same(kind, server.host, scenario).only.generation_id == GENERATION
    assert told[0] == told[1]


@every_kind
def test_a_hook_that_raises_leaves_the_status_known(kind: Kind, server: Replay) -> None:
    server.answer = BODIES["refused"]

    async def scenario(caller: Caller) -> Any:
        def check(response: Any, **_: Any) -> None:
            response.raise_for_status()

        return await caller.post(server.url, hooks={"response": [check]})

    seen = same(kind, server.host, scenario)
    assert (seen.only.outcome, seen.only.http_status, seen.only.error_type) == ("error", 429, "429")


@every_kind
@pytest.mark.parametrize("read", [False, True], ids=["unread", "read"])
def test_an_answer_that_a_hook_refuses_is_known(kind: Kind, read: bool, server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "x-generation-id": GENERATION}, [plain()])

    async def scenario(caller: Caller) -> Any:
        async def refuse(response: Any, **_: Any) -> None:
            if read:
                await finished(response.content)
            raise LookupError("a guardrail")

        def refuse_at_once(response: Any, **_: Any) -> None:
            if read:
                assert response.content
            raise LookupError("a guardrail")

        hooks = {"response": [refuse if kind.asynchronous else refuse_at_once]}
        return await caller.post(server.url, hooks=hooks)

    seen = same(kind, server.host, scenario)
    assert (seen.only.http_status, seen.only.generation_id) == (200, GENERATION)
    assert (seen.only.outcome, seen.only.cost) == (("completed", COST) if read else ("error", None))


@every_kind
def test_what_a_hook_asks_is_a_call_of_its_own(kind: Kind, server: Replay) -> None:
    server.answer = BODIES["json"]

    async def scenario(caller: Caller) -> Any:
        async def judge(_response: Any, **_: Any) -> None:
            async with niquests.AsyncSession() as session:
                await session.post(server.url, json=PROMPT)

        def judge_at_once(_response: Any, **_: Any) -> None:
            with niquests.Session() as session:
                session.post(server.url, json=PROMPT)

        hooks = {"response": [judge if kind.asynchronous else judge_at_once]}
        return (await caller.post(server.url, hooks=hooks)).status_code

    with watched(server.host) as seen:
        assert run(kind, scenario) == 200
    assert len(seen) == len(seen.spans) == 2


@every_kind
def test_a_challenge_is_answered_within_one_call(kind: Kind, server: Replay) -> None:
    challenge = 'Digest realm="r", nonce="n", qop="auth", algorithm=MD5'

    library = niquests.auth.AsyncHTTPDigestAuth if kind.asynchronous else niquests.auth.HTTPDigestAuth

    class Digest(library):  # type: ignore[misc,valid-type]  # either of the two
        def build_digest_header(self, *args: Any) -> Any:
            server.answer = BODIES["json"]
            return super().build_digest_header(*args)

    async def scenario(caller: Caller) -> Any:
        server.answer = Answer(401, {**JSON, "www-authenticate": challenge}, [b"{}"])
        response = await caller.post(server.url, auth=Digest("u", "p"))
        return response.status_code, len(response.history)

    assert run(kind, scenario) == (200, 1)
    seen = same(kind, server.host, scenario)
    assert (seen.only.http_status, seen.only.generation_id) == (200, GENERATION)


@pytest.mark.parametrize("stream", [True, False])
def test_an_adapter_of_the_applications_own_carries_the_request(stream: bool) -> None:
    """What it brings is no response of urllib3-future, and is heard where it is read for the caller."""

    class Own(niquests.adapters.BaseAdapter):
        def send(self, request: Any, **_: Any) -> Any:
            response = niquests.Response()
            response.status_code, response.request, response.url = 200, request, request.url
            response.headers, response.raw = niquests.structures.CaseInsensitiveDict(JSON), io.BytesIO(plain())
            return response

        def close(self) -> None:
            pass

    async def scenario(caller: Caller) -> Any:
        caller.session.mount("https://openrouter.ai", Own())
        response = await caller.post("https://openrouter.ai/api/v1/chat/completions", stream=stream)
        return response.content, response.status_code

    seen = same(KINDS[0], "unused.example", scenario)
    assert (seen.only.outcome, seen.only.http_status) == ("closed" if stream else "completed", 200)


@every_kind
def test_send_looks_as_it_did(kind: Kind) -> None:
    def looks() -> Any:
        function = (niquests.AsyncSession if kind.asynchronous else niquests.Session).send
        return (
            inspect.signature(function),
            inspect.iscoroutinefunction(function),
            function.__name__,
            function.__qualname__,
            function.__doc__,
            function.__module__,
        )

    bare = looks()
    with watched():
        assert looks() == bare


@every_kind
def test_other_hosts_and_other_paths_open_nothing(kind: Kind, server: Replay) -> None:
    async def scenario(caller: Caller) -> None:
        await caller.post(server.url)
        await finished(caller.session.get(server.base_url + "/models"))

    for host in ("127.0.0.2", f"{server.base_url}/other"):
        with watched(host) as seen:
            run(kind, scenario)
        assert (list(seen), seen.opened, seen.spans) == ([], [], ())


def test_the_librarys_own_functions_are_seen_too(server: Replay) -> None:
    server.answer = BODIES["json"]
    with watched(server.host) as seen:
        niquests.post(server.url, json=PROMPT)
        asyncio.run(niquests.apost(server.url, json=PROMPT))
    assert [call.generation_id for call in seen] == [GENERATION, GENERATION]


def check(seen: Watched, outcome: str) -> None:
    """Check that the one call and its one span say how it ended, and what had come by then."""
    call, span = seen.pair
    (opened,) = seen.opened
    attributes = dict(span.attributes or {})
    assert opened.call_id == call.call_id == attributes["spancast.call_id"]
    assert call.outcome == attributes["spancast.outcome"] == outcome
    assert (call.http_status, call.generation_id, call.cost) == (200, GENERATION, None)
    assert (call.error_type is not None) is (outcome == "error")


@every_kind
@pytest.mark.parametrize("read", [True, False])
@pytest.mark.parametrize(("leave", "outcome"), [("close", "closed"), ("drop", "abandoned"), ("raise", "closed")])
def test_an_answer_that_is_left_says_how(kind: Kind, read: bool, leave: str, outcome: str, server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> None:
        response = await caller.post(server.url, stream=True)
        if read:
            await caller.first(response)
        if leave == "close":
            await caller.close(response)
        elif leave == "raise":
            with suppress(LookupError):
                async with AsyncExitStack() as block:
                    block.push_async_callback(caller.close, response)
                    raise LookupError

    check(same(kind, server.host, scenario), outcome)


@every_kind
def test_a_stream_is_completed_as_its_end_mark_is_handed_on(kind: Kind, server: Replay) -> None:
    server.answer = Answer(200, HEADERS, STREAM, hold=True)

    async def scenario(caller: Caller) -> None:
        response = await caller.post(server.url, stream=True)
        found, read = await finished(response.iter_content(-1)), b""
        while not read.endswith(DONE):
            read += await anext(found) if kind.asynchronous else next(found)
        assert len(seen.ended) == 1
        await caller.close(response)

    with watched(server.host) as seen:
        assert run(kind, scenario) is None
    assert (seen.pair[0].outcome, seen.only.cost) == ("completed", COST)


def test_a_task_that_is_cancelled_cancels_its_call(server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> bool:
        begun = asyncio.Event()

        async def work() -> None:
            response = await caller.post(server.url, stream=True)
            await caller.first(response)
            begun.set()
            await caller.content(response)

        task = asyncio.ensure_future(work())
        await begun.wait()
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    check(same(KINDS[1], server.host, scenario), "cancelled")


async def read(caller: Caller, url: str, **options: Any) -> Any:
    return await caller.content(await caller.post(url, **options))


async def stream(caller: Caller, url: str, **options: Any) -> Any:
    response = await caller.post(url, stream=True, **options)
    return b"".join(await caller.pieces(response))


both_ways = pytest.mark.parametrize("ask", [read, stream])


def raised(kind: Kind, host: str, scenario: Scenario) -> tuple[Watched, Any]:
    """Run a scenario bare and hooked; return what we saw, and the class of the exception."""
    seen = same(kind, host, scenario)
    told = run(kind, scenario)
    assert isinstance(told, tuple), f"nothing was raised, but {told!r} came."
    return seen, told[0]


@every_kind
@both_ways
def test_nobody_listens(kind: Kind, ask: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        seen, error = raised(kind, host, lambda caller: ask(caller, f"http://{host}/chat/completions"))
    assert error is niquests.exceptions.ConnectionError
    assert (seen.only.outcome, seen.only.http_status) == ("error", None)
    assert seen.only.error_type == "niquests.exceptions.ConnectionError"


@every_kind
@both_ways
def test_nothing_is_answered_in_time(kind: Kind, ask: Any, server: Replay) -> None:
    server.answer = Answer(silent=True)
    seen, error = raised(kind, server.host, lambda caller: ask(caller, server.url, timeout=0.05))
    assert error is niquests.exceptions.ReadTimeout
    assert (seen.only.outcome, seen.only.error_type) == ("error", "niquests.exceptions.ReadTimeout")


@every_kind
@both_ways
@pytest.mark.parametrize("headers", [JSON, SSE])
@pytest.mark.parametrize("how", ["hold", "cut"])
def test_the_body_stops_half_way(kind: Kind, ask: Any, headers: dict[str, str], how: str, server: Replay) -> None:
    server.answer = Answer(200, {**headers, "x-generation-id": GENERATION}, TEXT, **{how: True})
    seen, error = raised(kind, server.host, lambda caller: ask(caller, server.url, timeout=0.1))
    assert issubclass(error, niquests.exceptions.RequestException)
    assert (seen.only.outcome, seen.only.generation_id, seen.only.http_status) == ("error", GENERATION, 200)


@every_kind
@both_ways
def test_the_content_encoding_is_not_what_it_says(kind: Kind, ask: Any, server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "content-encoding": "gzip", "x-generation-id": GENERATION}, [plain()])
    seen, error = raised(kind, server.host, lambda caller: ask(caller, server.url))
    assert error is niquests.exceptions.ContentDecodingError
    assert (seen.only.outcome, seen.only.generation_id) == ("error", GENERATION)


@every_kind
@both_ways
@pytest.mark.parametrize(
    ("answer", "known"),
    [
        (UNFINISHED, ("error", GENERATION, COST)),
        (chunked(EVENTS, SSE).removesuffix(b"0\r\n\r\n"), ("completed", GENERATION, COST)),
        (ANOTHER_NAME, ("completed", GENERATION, COST)),
        (TWICE, ("completed", "gen-h", COST)),
    ],
    ids=["unfinished", "unfinished stream", "another name", "twice"],
)
def test_what_comes_is_known(kind: Kind, ask: Any, answer: bytes, known: Any, wire: Verbatim) -> None:
    wire.answers = [answer]
    seen = same(kind, wire.host, lambda caller: ask(caller, wire.url))
    assert (seen.only.outcome, seen.only.generation_id, seen.only.cost) == known


@every_kind
def test_too_many_redirects(kind: Kind, server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/api/v1/chat/completions"}, [b"{}"])
    seen, error = raised(kind, server.host, lambda caller: read(caller, server.url))
    assert error is niquests.exceptions.TooManyRedirects
    assert seen.only.outcome == "error"


@every_kind
@pytest.mark.parametrize("url", ["http://[", "openrouter.ai/api/v1", "ftp://a/b", "http:///x", "", None])
def test_the_url_is_none(kind: Kind, url: Any) -> None:
    raised(kind, "unused.example", lambda caller: read(caller, url))


@every_kind
@pytest.mark.parametrize("arguments", [((), {}), ((None,), {}), (("POST",), {}), ((None, True), {})])
def test_the_arguments_are_wrong(kind: Kind, arguments: Any) -> None:
    args, kwargs = arguments
    raised(kind, "unused.example", lambda caller: finished(caller.session.send(*args, **kwargs)))


async def over_http_2(scope: Any, receive: Any, send: Any) -> None:
    """Answer with a stream; below `/old`, with where it has moved to."""
    if scope["type"] != "http":
        return
    while (await receive()).get("more_body"):
        pass
    if scope["path"].startswith("/old"):
        moved = [(b"location", scope["path"].removeprefix("/old").encode())]
        await send({"type": "http.response.start", "status": 307, "headers": moved})
        await send({"type": "http.response.body", "body": b""})
        return
    headers = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    for chunk in STREAM:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


@contextmanager
def serving(application: Any = over_http_2) -> Iterator[str]:
    """Serve an ASGI application by HTTP/2 without TLS, on which niquests multiplexes when HTTP/1 is forbidden."""
    listener = socket.create_server(("127.0.0.1", 0))
    host, port = listener.getsockname()
    config = Config()
    config.bind, config.loglevel = [f"fd://{listener.detach()}"], "ERROR"
    loop, stop = asyncio.new_event_loop(), asyncio.Event()
    work = serve(application, config, shutdown_trigger=stop.wait)  # type: ignore[arg-type]  # `Event.wait` tells `True`
    thread = threading.Thread(target=loop.run_until_complete, args=(work,))
    thread.start()
    try:
        yield f"{host}:{port}"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.fixture(scope="module")
def http_2() -> Iterator[str]:
    with serving() as host:
        yield host


MULTIPLEXED = {"multiplexed": True, "disable_http1": True}


@every_kind
@pytest.mark.parametrize("stream", [True, False])
def test_answers_that_are_gathered_are_one_call_each(kind: Kind, stream: bool, http_2: str) -> None:
    url = f"http://{http_2}/api/v1/chat/completions"

    async def scenario(caller: Caller) -> Any:
        responses = [await caller.post(url, stream=stream) for _ in range(3)]
        lazy = [response.lazy for response in responses]
        await caller.gather()
        return lazy, [(await caller.content(response), snapshot(response)["hooks"]) for response in responses]

    assert run(kind, scenario, **MULTIPLEXED)[0] == [True, True, True]
    seen = same(kind, http_2, scenario, **MULTIPLEXED)
    assert [(call.outcome, call.cost, call.http_status) for call in seen] == [("completed", COST, 200)] * 3
    assert len(seen.spans) == 3


@every_kind
def test_a_promise_that_is_asked_for_its_content_is_one_call(kind: Kind, http_2: str) -> None:
    url = f"http://{http_2}/api/v1/chat/completions"

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(url, stream=kind.asynchronous)
        return await caller.content(response), response.status_code

    seen = same(kind, http_2, scenario, **MULTIPLEXED)
    assert (seen.pair[0].outcome, seen.only.cost) == ("completed", COST)


@every_kind
def test_a_promise_that_is_redirected_is_one_call(kind: Kind, http_2: str) -> None:
    url = f"http://{http_2}/old/api/v1/chat/completions"

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(url, stream=True)
        await caller.gather()
        return await caller.content(response), response.status_code, len(response.history)

    seen = same(kind, http_2, scenario, **MULTIPLEXED)
    assert (seen.pair[0].outcome, seen.only.cost, seen.only.http_status) == ("completed", COST, 200)


@every_kind
@pytest.mark.parametrize("gathered", [True, False])
def test_a_promise_that_is_dropped_is_abandoned(kind: Kind, gathered: bool, http_2: str) -> None:
    url = f"http://{http_2}/api/v1/chat/completions"

    async def scenario(caller: Caller) -> None:
        await caller.post(url, stream=True)
        if gathered:
            await caller.gather()

    seen = same(kind, http_2, scenario, **MULTIPLEXED)
    assert (seen.pair[0].outcome, seen.only.cost) == ("abandoned", None)


@needs_shared
@every_kind
@pytest.mark.parametrize("at_once", [True, False])
def test_every_recorded_exchange_gives_what_it_must(kind: Kind, at_once: bool, server: Replay) -> None:
    chosen = recordings("chat")

    async def scenario(caller: Caller) -> Any:
        for recording in chosen:
            server.answer = Answer(recording.response["status"], recording.headers, cut(recording, at_once=at_once))
            response = await finished(
                caller.session.post(server.url, data=recording.request_body, stream=recording.stream)
            )
            pieces = caller.pieces(response) if recording.stream else caller.content(response)
            body = await pieces
            assert (b"".join(body) if recording.stream else body) == recording.response["body"].encode()

    with watched(server.host) as seen:
        assert run(kind, scenario) is None
    assert len(seen) == len(chosen) > 500
    found = {each.id: differences(each, call) for each, call in zip(chosen, seen, strict=True)}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def cut(recording: Recording, *, at_once: bool) -> list[bytes]:
    """Return the body in the network's own pieces, or in pieces of 100 bytes."""
    if at_once:
        return recording.chunks
    body = recording.response["body"].encode()
    return [body[start : start + 100] for start in range(0, len(body), 100)]


@every_kind
@pytest.mark.parametrize("stream", [True, False])
def test_a_request_names_its_span_and_is_the_applications_own_again(kind: Kind, stream: bool, server: Replay) -> None:
    server.answer = BODIES["json"]
    seen, tracing = Seen(), Tracing(TracerProvider(shutdown_on_exit=False))

    async def scenario(caller: Caller) -> Any:
        response = await caller.post(server.url, stream=stream)
        await caller.content(response)
        return response.request.body, response.request.headers["content-length"]

    bare = run(kind, scenario)
    patches = Patches(Recorder(Routes([server.host]), tracing, seen.keep, link_broadcast=True))
    patches.install(HOOKS)
    try:
        assert run(kind, scenario) == bare
    finally:
        patches.remove()
    sent = json.loads(server.requests[-1].body)
    assert sent == {**PROMPT, "trace": {"trace_id": seen.only.trace_id, "parent_span_id": seen.only.span_id}}
    assert seen.only.linked
