"""However an answer to an aiohttp session ends there is one Call that says so, and what goes wrong aiohttp says."""

import asyncio
import gc
import socket
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from tests.hooks.session import run, same, shell
from tests.support.answers import COST, DONE, GENERATION, JSON, MODEL, PROMPT, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.watched import Watched, watched

HEADERS = {**SSE, "x-generation-id": GENERATION}
WHOLE = Answer(200, HEADERS, STREAM)
HELD = Answer(200, HEADERS, TEXT, hold=True)
DONE_AND_HELD = Answer(200, HEADERS, STREAM, hold=True)

# aiohttp complains of every connection that is left to the collector with an answer under way.
pytestmark = pytest.mark.filterwarnings("ignore:Unclosed connection:ResourceWarning")

Session = aiohttp.ClientSession
Response = aiohttp.ClientResponse


def check(seen: Watched, outcome: str, *, words: bool = True) -> None:
    """Check that the one call and its one span say how it ended, and what had come by then."""
    gc.collect()
    call, span = seen.pair
    (opened,) = seen.opened
    attributes = dict(span.attributes or {})
    assert opened.call_id == call.call_id == attributes["spancast.call_id"]
    assert call.outcome == attributes["spancast.outcome"] == outcome
    assert (call.http_status, call.generation_id, call.streamed) == (200, GENERATION, True)
    assert call.response_model == (MODEL if words else None)
    assert (call.cost, call.output_tokens) == (None, None)
    assert (call.error_type is not None) is (outcome == "error")


async def a_word(response: Response) -> bytes:
    return await response.content.readline()


def leaving(server: Replay, leave: Callable[[Response], Awaitable[Any]]) -> Callable[[Session], Awaitable[Any]]:
    """Return a scenario that reads a word in a block, and then leaves it."""

    async def scenario(session: Session) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            await a_word(response)
            await leave(response)

    return scenario


async def and_nothing(_response: Response) -> None:
    pass


async def and_close(response: Response) -> None:
    response.close()


async def and_release(response: Response) -> None:
    response.release()


async def and_raise(_response: Response) -> None:
    raise LookupError("no such word")


async def and_return_from_a_loop(response: Response) -> None:
    async for _ in response.content.iter_any():
        return


async def and_wait_for_it_to_be_closed(response: Response) -> None:
    await response.wait_for_close()


LEAVES = [and_nothing, and_close, and_release, and_raise, and_return_from_a_loop, and_wait_for_it_to_be_closed]


@pytest.mark.parametrize("leave", LEAVES)
def test_an_answer_that_is_left_is_closed(leave: Any, server: Replay) -> None:
    server.answer = HELD
    check(same(server.host, leaving(server, leave)), "closed")


@pytest.mark.parametrize("end", ["close", "release"])
def test_an_answer_that_is_ended_without_a_block_is_closed(end: str, server: Replay) -> None:
    server.answer = HELD

    async def scenario(session: Session) -> Any:
        response = await session.post(server.url, json=PROMPT)
        await a_word(response)
        getattr(response, end)()
        return shell(response)

    check(same(server.host, scenario), "closed")


@pytest.mark.parametrize("end", ["close", "release", "__del__"])
@pytest.mark.parametrize("come", [True, False])
def test_an_answer_that_is_never_read_says_what_its_headers_say(end: str, come: bool, server: Replay) -> None:
    """Whether all of it has come by then, and lies unread in the stream, or not."""
    server.answer = WHOLE if come else HELD

    async def scenario(session: Session) -> None:
        response = await session.post(server.url, json=PROMPT)
        if come:
            await response.content.wait_eof()
        if end != "__del__":
            getattr(response, end)()

    check(same(server.host, scenario), "abandoned" if end == "__del__" else "closed", words=False)


def test_an_answer_that_came_whole_is_abandoned_as_soon_as_it_is_dropped(server: Replay) -> None:
    server.answer = WHOLE

    async def scenario(session: Session) -> None:
        response = await session.post(server.url, json=PROMPT)
        await response.content.wait_eof()
        assert list(seen) == []
        del response
        assert seen.only.outcome == "abandoned"

    with watched(server.host) as seen:
        run(scenario)


def test_an_answer_in_a_cycle_is_abandoned_when_it_is_collected(server: Replay) -> None:
    server.answer = WHOLE

    async def scenario(session: Session) -> None:
        cycle: list[Any] = [await session.post(server.url, json=PROMPT)]
        await cycle[0].content.wait_eof()
        cycle.append(cycle)
        del cycle
        gc.collect()
        assert seen.only.outcome == "abandoned"

    with watched(server.host) as seen:
        run(scenario)


def test_an_answer_is_abandoned_with_its_session(server: Replay) -> None:
    server.answer = HELD

    async def scenario(session: Session) -> None:
        await a_word(await session.post(server.url, json=PROMPT))
        await session.close()

    check(same(server.host, scenario), "abandoned")


def test_reading_on_behind_a_closed_session_is_an_error(server: Replay) -> None:
    server.answer = HELD

    async def scenario(session: Session) -> None:
        async with session.post(server.url, json=PROMPT) as response:
            await a_word(response)
            await session.close()
            await response.read()

    seen = same(server.host, scenario)
    check(seen, "error")
    assert seen.only.error_type == "RuntimeError"


@pytest.mark.parametrize("end", ["break", "release", "drop"])
def test_a_stream_is_completed_as_its_end_mark_is_handed_on(end: str, server: Replay) -> None:
    server.answer = DONE_AND_HELD

    async def scenario(session: Session) -> Any:
        response = await session.post(server.url, json=PROMPT)
        async for line in response.content:
            if line == DONE.rstrip(b"\n") + b"\n":
                assert len(seen.ended) == 1
                break
        if end == "release":
            response.release()
        elif end == "drop":
            del response
            gc.collect()

    with watched(server.host) as seen:
        run(scenario)
    assert (seen.pair[0].outcome, seen.only.cost) == ("completed", COST)


def test_a_stream_that_is_read_out_is_completed(server: Replay) -> None:
    server.answer = WHOLE

    async def scenario(session: Session) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            return [line async for line in response.content]

    call, span = same(server.host, scenario).pair
    assert (call.outcome, call.cost, call.finish_reasons) == ("completed", COST, ("stop",))
    assert (span.attributes or {})["openrouter.cost_usd"] == format(COST, "f")


async def cancelled(work: Awaitable[Any], meanwhile: asyncio.Event) -> None:
    """Cancel a task as soon as it says that it has begun."""
    task = asyncio.ensure_future(work)
    await meanwhile.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("block", [True, False])
@pytest.mark.parametrize("read", ["read", "readline", "readany"])
def test_a_task_that_is_cancelled_as_it_reads_cancels_its_call(block: bool, read: str, server: Replay) -> None:
    server.answer = HELD

    async def scenario(session: Session) -> None:
        begun = asyncio.Event()

        async def work() -> None:
            response = await session.post(server.url, json=PROMPT)
            await a_word(response)
            begun.set()
            if block:
                async with response:
                    await getattr(response.content, read)()
                    await response.content.read()
            else:
                await getattr(response.content, read)()
                await response.content.read()

        await cancelled(work(), begun)

    check(same(server.host, scenario), "cancelled")


def test_a_task_that_is_cancelled_as_it_sends_cancels_its_call(server: Replay) -> None:
    server.answer = Answer(silent=True)

    async def scenario(session: Session) -> None:
        task = asyncio.ensure_future(session._request("POST", server.url, json=PROMPT))
        while not server.requests:  # noqa: ASYNC110 - the server is in another thread
            await asyncio.sleep(0)
        server.requests.clear()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    seen = same(server.host, scenario)
    assert (seen.pair[0].outcome, seen.only.http_status, seen.opened) == ("cancelled", None, [])


def test_a_deadline_for_one_read_ends_nothing(server: Replay) -> None:
    """Whoever waits for a word for a while only may go on reading."""
    server.answer = HELD

    async def scenario(session: Session) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            words = b""
            while len(words) < len(b"".join(TEXT)):
                words += await response.content.readany()
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(response.content.readany(), 0.01)
            assert list(seen) == []
            return words

    with watched(server.host) as seen:
        run(scenario)
    check(seen, "closed")


def test_two_readers_at_once_end_nothing(server: Replay) -> None:
    """aiohttp refuses the second; the first reads on."""
    server.answer = HELD

    async def scenario(session: Session) -> None:
        async with session.post(server.url, json=PROMPT) as response:
            await a_word(response)
            first = asyncio.ensure_future(response.content.readexactly(10**6))
            await asyncio.sleep(0)
            while not first.done():
                try:
                    await response.content.readany()
                except RuntimeError:
                    break
            assert list(seen) == []
            first.cancel()
            await asyncio.gather(first, return_exceptions=True)

    with watched(server.host) as seen:
        run(scenario)
    check(seen, "closed")


@pytest.mark.parametrize("leave", ["close", "drop"])
def test_a_generator_of_the_applications_own_that_is_left_closes_its_answer(leave: str, server: Replay) -> None:
    server.answer = HELD

    async def scenario(session: Session) -> None:
        async def words() -> Any:
            async with session.post(server.url, json=PROMPT) as response:
                async for line in response.content:
                    yield line

        if leave == "close":
            async with aclosing(words()) as generator:
                await anext(generator)
        else:
            await anext(words())
            await asyncio.sleep(0)

    check(same(server.host, scenario), "closed")


async def read_out(session: Session, url: str, **options: Any) -> Any:
    async with session.post(url, json=PROMPT, **options) as response:
        return await response.read()


async def stream(session: Session, url: str, **options: Any) -> Any:
    async with session.post(url, json=PROMPT, **options) as response:
        return [line async for line in response.content]


both_ways = pytest.mark.parametrize("ask", [read_out, stream])
both_kinds = pytest.mark.parametrize("headers", [JSON, SSE])


def raised(host: str, scenario: Callable[[Session], Awaitable[Any]]) -> tuple[Watched, Any]:
    """Run a scenario bare and hooked; return what we saw, and the class of the exception."""
    seen = same(host, scenario)
    told = run(scenario)
    assert isinstance(told, tuple), f"nothing was raised, but {told!r} came."
    assert issubclass(told[0], BaseException)
    return seen, told[0]


@both_ways
def test_nobody_listens(ask: Any) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        seen, kind = raised(host, lambda session: ask(session, f"http://{host}/chat/completions"))
    assert kind is aiohttp.ClientConnectorError
    assert (seen.only.outcome, seen.only.http_status) == ("error", None)
    assert seen.only.error_type == "aiohttp.client_exceptions.ClientConnectorError"


@both_ways
@pytest.mark.parametrize("deadline", [{"total": 0.05}, {"sock_read": 0.05}])
def test_nothing_is_answered_in_time(ask: Any, deadline: dict[str, float], server: Replay) -> None:
    server.answer = Answer(silent=True)
    timeout = aiohttp.ClientTimeout(**deadline)
    seen, kind = raised(server.host, lambda session: ask(session, server.url, timeout=timeout))
    assert kind is (TimeoutError if "total" in deadline else aiohttp.SocketTimeoutError)
    assert (seen.only.outcome, seen.only.http_status) == ("error", None)


@both_ways
@both_kinds
@pytest.mark.parametrize("deadline", [{"total": 0.2}, {"sock_read": 0.1}])
def test_the_body_stops_half_way(ask: Any, headers: dict[str, str], deadline: dict[str, float], server: Replay) -> None:
    server.answer = Answer(200, {**headers, "x-generation-id": GENERATION}, TEXT, hold=True)
    timeout = aiohttp.ClientTimeout(**deadline)
    seen, kind = raised(server.host, lambda session: ask(session, server.url, timeout=timeout))
    assert kind is (TimeoutError if "total" in deadline else aiohttp.SocketTimeoutError)
    assert (seen.only.outcome, seen.only.generation_id, seen.only.http_status) == ("error", GENERATION, 200)
    assert seen.only.error_type == (
        "TimeoutError" if "total" in deadline else "aiohttp.client_exceptions.SocketTimeoutError"
    )


def test_the_deadline_of_a_request_passes_between_two_reads(server: Replay) -> None:
    server.answer = HELD

    async def scenario(session: Session) -> Any:
        timeout = aiohttp.ClientTimeout(total=0.1)
        async with session.post(server.url, json=PROMPT, timeout=timeout) as response:
            first = await response.content.read(1)
            while response.content.total_bytes < len(b"".join(TEXT)):  # noqa: ASYNC110 - nobody tells how much has come
                await asyncio.sleep(0)
            await asyncio.sleep(0.15)
            return first + await response.content.readany()

    seen, kind = raised(server.host, scenario)
    assert kind is TimeoutError
    assert (seen.only.outcome, seen.only.error_type) == ("error", "TimeoutError")


@both_ways
@both_kinds
def test_the_connection_is_cut_half_way(ask: Any, headers: dict[str, str], server: Replay) -> None:
    server.answer = Answer(200, {**headers, "x-generation-id": GENERATION}, TEXT, cut=True)
    seen, kind = raised(server.host, lambda session: ask(session, server.url))
    assert kind is aiohttp.ClientPayloadError
    assert (seen.only.outcome, seen.only.generation_id, seen.only.http_status) == ("error", GENERATION, 200)
    assert seen.only.error_type == "aiohttp.client_exceptions.ClientPayloadError"


@both_ways
def test_the_content_encoding_is_not_what_it_says(ask: Any, server: Replay) -> None:
    server.answer = Answer(200, {**JSON, "content-encoding": "gzip", "x-generation-id": GENERATION}, [plain()])
    seen, kind = raised(server.host, lambda session: ask(session, server.url))
    assert kind is aiohttp.ClientPayloadError
    assert (seen.only.outcome, seen.only.generation_id) == ("error", GENERATION)


def test_a_stream_is_read_when_it_is_closed(server: Replay) -> None:
    server.answer = HELD

    async def scenario(session: Session) -> Any:
        async with session.post(server.url, json=PROMPT) as response:
            await a_word(response)
        await response.read()

    seen, kind = raised(server.host, scenario)
    assert kind is aiohttp.ClientConnectionError
    check(seen, "closed")


def test_the_session_is_closed(server: Replay) -> None:
    async def scenario(session: Session) -> Any:
        await session.close()
        await read_out(session, server.url)

    seen, kind = raised(server.host, scenario)
    assert kind is RuntimeError
    assert (seen.only.outcome, seen.only.error_type) == ("error", "RuntimeError")


@pytest.mark.parametrize(
    "url", ["http://[", "openrouter.ai/api/v1/chat/completions", "ftp://a/b", "http:///x", "", None, 7]
)
def test_the_url_is_none(url: Any) -> None:
    raised("unused.example", lambda session: read_out(session, url))


@pytest.mark.parametrize(
    "options",
    [
        {"data": b"{}", "json": {}},
        {"json": {"a": object()}},
        {"json": {"a": {1, 2}}},
        {"no_such": 1},
        {"headers": 7},
        {"timeout": "soon"},
        {"headers": {"Authorization": "a"}, "proxy": 7},
    ],
)
def test_the_arguments_are_wrong(options: dict[str, Any], server: Replay) -> None:
    async def scenario(session: Session) -> Any:
        async with session.post(server.url, **options) as response:
            return await response.read()

    raised(server.host, scenario)


@pytest.mark.parametrize("given", [((), {}), (("POST",), {}), ((), {"method": "POST"}), (("POST", "a", "b"), {})])
def test_arguments_are_missing(given: Any, server: Replay) -> None:
    args, kwargs = given

    async def scenario(session: Session) -> Any:
        return await session._request(*args, **kwargs)

    seen, kind = raised(server.host, scenario)
    assert (kind is TypeError or issubclass(kind, aiohttp.ClientError), list(seen)) == (True, [])


def test_too_many_redirects(server: Replay) -> None:
    server.answer = Answer(307, {**JSON, "location": "/api/v1/chat/completions"}, [b"{}"])
    seen, kind = raised(server.host, lambda session: read_out(session, server.url, raise_for_status=True))
    assert kind is aiohttp.TooManyRedirects
    assert (seen.only.outcome, seen.only.error_type) == ("error", "aiohttp.client_exceptions.TooManyRedirects")


def test_what_a_trace_raises_is_an_error_of_the_call(server: Replay) -> None:
    server.answer = WHOLE

    def options() -> dict[str, Any]:
        config = aiohttp.TraceConfig()

        async def fail(*_: Any) -> None:
            raise LookupError("no such model")

        config.on_request_end.append(fail)
        return {"trace_configs": [config]}

    seen = same(server.host, lambda session: read_out(session, server.url), options)
    assert (seen.only.outcome, seen.only.error_type) == ("error", "LookupError")
