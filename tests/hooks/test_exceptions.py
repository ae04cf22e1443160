"""What goes wrong goes wrong in the client's own words: the same type, message, request and cause."""

import gzip
import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from spancast.base import guard
from tests.hooks.caller import Caller, Kind, calling, every_kind, run, same
from tests.support.answers import COST, GENERATION, JSON, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.watched import Watched, watched


async def post(caller: Caller, url: str, **options: Any) -> Any:
    return (await caller.do("post", url, json=PROMPT, **options)).content


async def stream(caller: Caller, url: str, **options: Any) -> Any:
    """Read a stream to its end, and say what had come when it broke."""
    response = await caller.open(url, json=PROMPT, **options)
    try:
        return b"".join(await caller.pieces(response, "iter_bytes"))
    finally:
        await caller.close(response)


both_ways = pytest.mark.parametrize("ask", [post, stream])


def raised(kind: Kind, host: str, scenario: Callable[[Caller], Any]) -> tuple[Watched, Any]:
    """Run a scenario bare and hooked; return what we saw, and the exception as it is described."""
    seen = same(kind, host, scenario)
    told = run(kind, scenario)
    assert isinstance(told, tuple), f"nothing was raised, but {told!r} came."
    assert issubclass(told[0], BaseException)
    return seen, told


@every_kind
@both_ways
def test_nobody_listens(kind: Kind, ask: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        seen, told = raised(kind, host, lambda caller: ask(caller, f"http://{host}/chat/completions"))
    assert told[0] is kind.library.ConnectError
    assert (seen.only.outcome, seen.only.http_status) == ("error", None)
    assert seen.only.error_type == f"{kind.library.__name__}.ConnectError"


@every_kind
@both_ways
def test_nothing_is_answered_in_time(kind: Kind, ask: Any, server: Replay) -> None:
    server.answer = Answer(silent=True)
    seen, told = raised(kind, server.host, lambda caller: ask(caller, server.url, timeout=0.05))
    assert told[0] is kind.library.ReadTimeout
    assert (seen.only.outcome, seen.only.error_type) == ("error", f"{kind.library.__name__}.ReadTimeout")


@every_kind
@both_ways
@pytest.mark.parametrize("headers", [JSON, SSE])
def test_the_body_stops_half_way(kind: Kind, ask: Any, headers: dict[str, str], server: Replay) -> None:
    server.answer = Answer(200, {**headers, "x-generation-id": GENERATION}, TEXT, hold=True)
    seen, told = raised(kind, server.host, lambda caller: ask(caller, server.url, timeout=0.05))
    assert told[0] is kind.library.ReadTimeout
    assert (seen.only.outcome, seen.only.generation_id, seen.only.http_status) == ("error", GENERATION, 200)
    assert seen.only.cost is None


@every_kind
@both_ways
@pytest.mark.parametrize("headers", [JSON, SSE])
def test_the_connection_is_cut_half_way(kind: Kind, ask: Any, headers: dict[str, str], server: Replay) -> None:
    server.answer = Answer(200, {**headers, "x-generation-id": GENERATION}, TEXT, cut=True)
    seen, told = raised(kind, server.host, lambda caller: ask(caller, server.url))
    assert told[0] is kind.library.RemoteProtocolError
    assert (seen.only.outcome, seen.only.generation_id, seen.only.http_status) == ("error", GENERATION, 200)
    assert seen.only.error_type == f"{kind.library.__name__}.RemoteProtocolError"


@every_kind
@both_ways
def test_the_content_encoding_is_not_what_it_says(kind: Kind, ask: Any, server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "content-encoding": "gzip", "x-generation-id": GENERATION}, [plain()])
    seen, told = raised(kind, server.host, lambda caller: ask(caller, server.url))
    assert told[0] is kind.library.DecodingError
    assert (seen.only.outcome, seen.only.generation_id) == ("error", GENERATION)


@every_kind
@both_ways
def test_a_compressed_body_is_cut_half_way(kind: Kind, ask: Any, server: Replay) -> None:
    half = gzip.compress(b"".join(STREAM) * 50)[:200]
    server.answer = Answer(200, {**SSE, "content-encoding": "gzip"}, [half], cut=True)
    seen, told = raised(kind, server.host, lambda caller: ask(caller, server.url))
    assert told[0] is kind.library.RemoteProtocolError
    assert seen.only.outcome == "error"


@every_kind
def test_a_stream_is_read_twice(kind: Kind, server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        await caller.pieces(response, "iter_raw")
        await caller.pieces(response, "iter_raw")

    seen, told = raised(kind, server.host, scenario)
    assert told[0] is kind.library.StreamConsumed
    assert seen.only.outcome == "completed"


@every_kind
def test_a_stream_is_read_when_it_is_closed(kind: Kind, server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        await caller.close(response)
        await caller.pieces(response, "iter_raw")

    seen, told = raised(kind, server.host, scenario)
    assert told[0] is kind.library.StreamClosed
    assert seen.only.outcome == "closed"


@every_kind
def test_a_stream_is_asked_for_its_content(kind: Kind, server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        try:
            return response.content
        finally:
            await caller.close(response)

    seen, told = raised(kind, server.host, scenario)
    assert told[0] is kind.library.ResponseNotRead
    assert seen.only.outcome == "closed"


@every_kind
def test_a_stream_is_read_the_other_way(kind: Kind, server: Replay) -> None:
    server.answer = Answer(200, SSE, STREAM)

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        try:
            if kind.asynchronous:
                response.read()
            else:
                await response.aread()
        finally:
            await caller.close(response)

    seen, told = raised(kind, server.host, scenario)
    assert told[0] is RuntimeError
    assert seen.only.outcome == "closed"


@every_kind
@both_ways
def test_the_client_is_closed(kind: Kind, ask: Any, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        await caller.do("aclose" if kind.asynchronous else "close")
        await ask(caller, server.url)

    seen, told = raised(kind, server.host, scenario)
    assert told[0] is RuntimeError
    assert (seen.only.outcome, seen.only.error_type) == ("error", "RuntimeError")


@every_kind
@pytest.mark.parametrize(
    "url",
    [
        "http://[",
        "openrouter.ai/api/v1/chat/completions",
        "ftp://openrouter.ai/api/v1/chat/completions",
        "http:///x",
        "",
    ],
)
def test_the_url_is_none(kind: Kind, url: str) -> None:
    raised(kind, "unused.example", lambda caller: post(caller, url))


@every_kind
@pytest.mark.parametrize(
    "arguments",
    [
        lambda _: ((), {}),
        lambda _: ((None,), {}),
        lambda _: (("POST",), {}),
        lambda request: ((request, True), {}),
        lambda request: ((request,), {"strem": True}),
        lambda request: ((request,), {"request": request}),
        lambda request: ((request,), {"auth": 7}),
    ],
)
def test_the_arguments_are_wrong(kind: Kind, arguments: Any, server: Replay) -> None:
    async def scenario(caller: Caller) -> Any:
        args, kwargs = arguments(caller.client.build_request("POST", server.url, json=PROMPT))
        return await caller.do("send", *args, **kwargs)

    _, told = raised(kind, server.host, scenario)
    assert issubclass(told[0], TypeError | AttributeError)


@every_kind
def test_too_many_redirects(kind: Kind, server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/api/v1/chat/completions"}, [b"{}"])
    seen, told = raised(kind, server.host, lambda caller: post(caller, server.url, follow_redirects=True))
    assert told[0] is kind.library.TooManyRedirects
    assert seen.only.outcome == "error"


@every_kind
def test_a_failure_leaves_the_connection_as_the_client_would(kind: Kind, server: Replay) -> None:
    """A body that cannot be read is closed, so that its connection goes back to the pool."""

    async def scenario(caller: Caller) -> Any:
        server.answer = Answer(200, {**JSON, "content-encoding": "gzip"}, [plain()])
        with pytest.raises(kind.library.DecodingError):
            await post(caller, server.url)
        pool = caller.client._transport._pool
        held = [(connection.is_idle(), connection.is_closed()) for connection in pool.connections]
        server.answer = Answer(200, JSON, [plain()])
        return held, await post(caller, server.url)

    same(kind, server.host, scenario)


def test_only_arguments_that_fit_open_a_call(server: Replay) -> None:
    import httpx  # noqa: PLC0415

    with watched(server.host) as seen, httpx.Client() as client, pytest.raises(TypeError):
        client.send(client.build_request("POST", server.url, json=PROMPT), True)  # type: ignore[misc]
    assert (list(seen), seen.opened, seen.spans) == ([], [], ())


@every_kind
def test_calling_is_seen_by_no_test_that_does_not_hook(kind: Kind) -> None:
    """The two runs that are compared differ: one is bare."""

    async def scenario(_caller: Caller) -> Any:
        async with calling(kind) as caller:
            return hasattr(type(caller.client).send, "_self_wrapper")

    assert run(kind, scenario) is False
    with watched():
        assert run(kind, scenario) is True


@every_kind
@both_ways
@pytest.mark.parametrize("read", [False, True], ids=["unread", "read"])
def test_an_event_hook_of_the_application_does_not_like_the_status(
    kind: Kind, ask: Any, read: bool, server: Replay
) -> None:
    refusal = b'{"error":{"code":429,"message":"slow","metadata":{"error_type":"rate_limit_exceeded"}}}'
    server.answer = Answer(429, {**JSON, "x-generation-id": GENERATION, "retry-after": "7"}, [refusal])

    def refuse(response: Any) -> None:
        if read:
            response.read()
        response.raise_for_status()

    async def refuse_asynchronously(response: Any) -> None:
        if read:
            await response.aread()
        response.raise_for_status()

    async def scenario(caller: Caller) -> Any:
        caller.client.event_hooks = {"response": [refuse_asynchronously if kind.asynchronous else refuse]}
        await ask(caller, server.url)

    seen, told = raised(kind, server.host, scenario)
    assert told[0] is kind.library.HTTPStatusError
    assert (seen.only.outcome, seen.only.http_status, seen.only.retry_after) == ("error", 429, 7.0)
    assert (seen.only.generation_id, seen.only.error_type) == (GENERATION, "rate_limit_exceeded" if read else "429")


class RefusedError(Exception):
    """What an application does not like of an answer."""


@every_kind
@both_ways
@pytest.mark.parametrize("read", [False, True], ids=["unread", "read"])
def test_an_event_hook_of_the_application_does_not_like_the_answer(
    kind: Kind, ask: Any, read: bool, server: Replay
) -> None:
    server.answer = Answer(200, {**JSON, "x-generation-id": GENERATION}, [plain()])

    def refuse(response: Any) -> None:
        if read:
            response.read()
        raise RefusedError("a guardrail")

    async def refuse_asynchronously(response: Any) -> None:
        if read:
            await response.aread()
        raise RefusedError("a guardrail")

    async def scenario(caller: Caller) -> Any:
        caller.client.event_hooks = {"response": [refuse_asynchronously if kind.asynchronous else refuse]}
        await ask(caller, server.url)

    seen, told = raised(kind, server.host, scenario)
    assert told[0] is RefusedError
    assert (seen.only.http_status, seen.only.generation_id) == (200, GENERATION)
    assert (seen.only.outcome, seen.only.cost) == (("completed", COST) if read else ("error", None))


@every_kind
def test_an_auth_flow_does_not_like_the_answer(kind: Kind, server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "x-generation-id": GENERATION}, [plain()])

    class Refusing(kind.library.Auth):
        requires_response_body = True

        def auth_flow(self, request: Any) -> Any:
            yield request
            raise RefusedError("no such grant")

    seen, told = raised(kind, server.host, lambda caller: post(caller, server.url, auth=Refusing()))
    assert told[0] is RefusedError
    assert (seen.only.outcome, seen.only.generation_id, seen.only.cost) == ("completed", GENERATION, COST)


@every_kind
def test_the_answer_of_a_redirect_is_not_that_of_what_follows_it(kind: Kind, server: Replay) -> None:
    server.answers[urlsplit(server.url).path] = Answer(307, {"location": "/elsewhere"})
    server.answer = Answer(silent=True)
    seen, told = raised(kind, server.host, lambda caller: post(caller, server.url, follow_redirects=True, timeout=0.2))
    assert told[0] is kind.library.ReadTimeout
    assert (seen.only.http_status, seen.only.error_type) == (None, f"{kind.library.__name__}.ReadTimeout")


class OddError(Exception):
    """One that cannot be looked at."""

    @property
    def response(self) -> Any:
        raise KeyError("no such thing")


class Lazy:
    """What is worked out when somebody asks what it is."""

    @property
    def __class__(self) -> Any:
        raise LookupError("not yet")

    @__class__.setter
    def __class__(self, _: Any) -> None: ...


@every_kind
def test_an_exception_that_cannot_be_looked_at_is_the_applications_own(
    kind: Kind, server: Replay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(guard, "caught", lambda _where: None)  # what it logs is looked at elsewhere
    server.answer = Answer(200, JSON, [plain()])

    def refuse(_response: Any) -> None:
        lazy = Lazy()
        assert lazy is not None
        raise OddError

    async def refuse_asynchronously(response: Any) -> None:
        refuse(response)

    async def scenario(caller: Caller) -> Any:
        caller.client.event_hooks = {"response": [refuse_asynchronously if kind.asynchronous else refuse]}
        try:
            await post(caller, server.url)
        except OddError:
            return "its own"

    assert same(kind, server.host, scenario).only.error_type == f"{__name__}.OddError"


@every_kind
def test_the_answer_of_a_judge_that_refuses_is_the_judges(kind: Kind, server: Replay) -> None:
    """A hook that asks before the request is sent, and raises what the judge's client raised."""
    server.answer = Answer(402, JSON, [b'{"error":{"code":402,"message":"no credits"}}'])

    def ask(_request: Any) -> None:
        with kind.library.Client(verify=False) as client:
            client.post(server.url, json=PROMPT).raise_for_status()

    async def ask_asynchronously(request: Any) -> None:
        ask(request)

    async def scenario(caller: Caller) -> Any:
        caller.client.event_hooks = {"request": [ask_asynchronously if kind.asynchronous else ask]}
        await post(caller, server.url)

    with watched(server.host) as seen:
        told = run(kind, scenario)
    assert told[0] is kind.library.HTTPStatusError
    assert sorted(call.http_status or 0 for call in seen) == [0, 402]
