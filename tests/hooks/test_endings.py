"""However a stream ends there is one Call and one span, with what was known by then, and the application sees nothing.

Mostly the server says a few words and then holds its tongue, so that no more can have come than the test has read.
"""

import asyncio
import gc
import signal
import sys
import threading
from contextlib import aclosing, closing
from contextvars import copy_context
from pathlib import Path
from typing import Any

import anyio
import httpx
import httpx2
import openai
import pytest
from opentelemetry import trace

from spancast.testing import Simulator
from tests.hooks.caller import KINDS, Caller, Kind, every_kind, run, same
from tests.support.answers import COST, DONE, GENERATION, MODEL, PROMPT, PROVIDER, SSE, STREAM, TEXT
from tests.support.programs import calls, run_program, surroundings
from tests.support.replay import Answer, Replay
from tests.support.watched import Watched, watched

HEADERS = {**SSE, "x-generation-id": GENERATION}
WHOLE = Answer(200, HEADERS, STREAM)
HELD = Answer(200, HEADERS, TEXT, hold=True)
CUT = Answer(200, HEADERS, TEXT, cut=True)

CLOSED_BY_ITS_ITERATOR = {httpx: "abandoned", httpx2: "closed"}
"""How an answer ends whose iterator ends early, and which is itself left to the collector."""

LOOPS = [(kind, loop) for kind in KINDS for loop in (("asyncio", "trio") if kind.asynchronous else ("asyncio",))]
in_every_loop = pytest.mark.parametrize(("kind", "loop"), LOOPS, ids=str)
in_every_async_loop = pytest.mark.parametrize(
    ("kind", "loop"), [each for each in LOOPS if each[0].asynchronous], ids=str
)
every_sync_kind = pytest.mark.parametrize("kind", [kind for kind in KINDS if not kind.asynchronous], ids=str)
every_async_kind = pytest.mark.parametrize("kind", [kind for kind in KINDS if kind.asynchronous], ids=str)

# Trio complains of every asynchronous generator that is left to the collector, the client's own among them.
pytestmark = pytest.mark.filterwarnings("ignore:Async generator .* was garbage collected:ResourceWarning")


class Interrupt(BaseException):
    """As KeyboardInterrupt, which would end the test run."""


def check(seen: Watched, outcome: str, *, words: bool = True) -> None:
    """Check that the one call and its one span say how it ended, and what had come by then."""
    if outcome == "abandoned":
        gc.collect()
    call, span = seen.pair
    (opened,) = seen.opened
    attributes = dict(span.attributes or {})
    assert opened.call_id == call.call_id == attributes["spancast.call_id"]
    assert call.outcome == attributes["spancast.outcome"] == outcome
    assert (call.http_status, call.generation_id, call.streamed) == (200, GENERATION, True)
    assert (call.response_model, call.provider) == ((MODEL, PROVIDER) if words else (None, None))
    assert (call.time_to_first_token is not None) is words
    assert (call.cost, call.input_tokens, call.output_tokens) == (None, None, None)
    assert (call.error_type is not None) is (outcome == "error")
    assert call.duration is not None
    assert span.end_time == call.started_at + call.duration


async def settled() -> None:
    """Let the loop close the generators that were left to it."""
    await anyio.lowlevel.checkpoint()
    await anyio.wait_all_tasks_blocked()


@in_every_loop
def test_a_stream_that_is_read_out_is_completed(kind: Kind, loop: str, server: Replay) -> None:
    server.answer = WHOLE

    async def scenario(caller: Caller) -> Any:
        async with caller.streaming(server.url, json=PROMPT) as response:
            return b"".join(await caller.pieces(response, "iter_bytes"))

    call, span = same(kind, server.host, scenario, backend=loop).pair
    assert (call.outcome, call.cost, call.finish_reasons) == ("completed", COST, ("stop",))
    assert (span.attributes or {})["openrouter.cost_usd"] == format(COST, "f")


@in_every_loop
@pytest.mark.parametrize("afterwards", ["closed", "dropped"])
def test_a_stream_is_completed_as_its_end_mark_is_handed_on(
    kind: Kind, loop: str, afterwards: str, server: Replay
) -> None:
    """Whoever sees `[DONE]` finds the span ended, and need not read on."""
    server.answer = Answer(200, HEADERS, STREAM, hold=True)
    ended: list[int] = []

    async def scenario(caller: Caller) -> None:
        response = await caller.open(server.url, json=PROMPT)
        await caller.loop(response, lambda piece: DONE in piece and not ended.append(len(seen.ended)))
        if afterwards == "closed":
            await caller.close(response)
        del response
        gc.collect()

    with watched(server.host) as seen:
        run(kind, scenario, backend=loop)
        assert ended == [1]
        assert (seen.pair[0].outcome, seen.only.cost) == ("completed", COST)


@in_every_loop
def test_a_loop_that_is_left_is_closed(kind: Kind, loop: str, server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> Any:
        async with caller.streaming(server.url, json=PROMPT) as response:
            await caller.loop(response, lambda _: True)
        return response.is_closed, response.num_bytes_downloaded

    check(same(kind, server.host, scenario, backend=loop), "closed")


@in_every_loop
def test_the_span_of_a_loop_that_is_left_ends_at_once(kind: Kind, loop: str, server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> None:
        async with caller.streaming(server.url, json=PROMPT) as response:
            await caller.loop(response, lambda _: True)

    with watched(server.host) as seen:
        run(kind, scenario, backend=loop)
        assert len(seen.ended) == 1


@in_every_loop
def test_an_iterator_that_is_closed_closes_its_answer(kind: Kind, loop: str, server: Replay) -> None:
    """Of httpx only its loop ends: the answer stays open until it is closed, or collected, itself."""
    server.answer = HELD

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        if kind.asynchronous:
            async with aclosing(response.aiter_raw()) as pieces:
                await anext(pieces)
        else:
            with closing(response.iter_raw()) as pieces:
                next(pieces)
        return response.is_closed

    check(same(kind, server.host, scenario, backend=loop), CLOSED_BY_ITS_ITERATOR[kind.library])


@in_every_loop
@pytest.mark.parametrize("read", [0, 2])
def test_an_answer_that_is_closed_early_is_closed(kind: Kind, loop: str, read: int, server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        pieces = caller.iterator(response)
        got = [await caller.step(pieces) for _ in range(read)]
        await caller.close(response)
        await caller.close(response)
        return got, response.is_closed

    check(same(kind, server.host, scenario, backend=loop), "closed", words=read > 0)


@in_every_loop
@pytest.mark.parametrize(("raised", "outcome"), [(LookupError, "closed"), (Interrupt, "cancelled")])
def test_an_exception_in_the_block_ends_the_stream(
    kind: Kind, loop: str, raised: type[BaseException], outcome: str, server: Replay
) -> None:
    server.answer = HELD

    async def fail(caller: Caller) -> None:
        async with caller.streaming(server.url, json=PROMPT) as response:
            pieces = caller.iterator(response)
            await caller.step(pieces)
            raise raised("in the block")

    async def scenario(caller: Caller) -> Any:
        with pytest.raises(raised, match="in the block") as caught:
            await fail(caller)
        return type(caught.value.__context__)

    check(same(kind, server.host, scenario, backend=loop), outcome)


@in_every_loop
def test_an_exception_in_the_loop_ends_the_stream(kind: Kind, loop: str, server: Replay) -> None:
    server.answer = HELD

    def fail(_piece: bytes) -> None:
        raise LookupError("in the loop")

    async def scenario(caller: Caller) -> Any:
        async with caller.streaming(server.url, json=PROMPT) as response:
            await caller.loop(response, fail)

    check(same(kind, server.host, scenario, backend=loop), "closed")


@in_every_async_loop
@pytest.mark.parametrize("reading", [True, False])
def test_a_task_that_is_cancelled_ends_its_stream(kind: Kind, loop: str, reading: bool, server: Replay) -> None:
    """While it waits for the next piece, or at whatever else it does between two pieces."""
    server.answer = HELD

    async def scenario(caller: Caller) -> Any:
        with anyio.CancelScope() as scope:
            async with caller.streaming(server.url, json=PROMPT) as response:
                pieces = caller.iterator(response)
                await caller.step(pieces)
                scope.cancel()
                while reading:
                    await caller.step(pieces)
                await anyio.sleep_forever()
        return scope.cancelled_caught, response.is_closed

    check(same(kind, server.host, scenario, backend=loop), "cancelled")


@every_async_kind
def test_a_task_that_times_out_ends_its_stream(kind: Kind, server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(caller.read(response), 0.05)
        return response.is_closed

    check(same(kind, server.host, scenario), "cancelled")


@in_every_async_loop
@pytest.mark.parametrize("answer", [Answer(silent=True), HELD], ids=["before the headers", "in the body"])
def test_a_task_that_is_cancelled_while_it_waits_for_the_whole_answer(
    kind: Kind, loop: str, answer: Answer, server: Replay
) -> None:
    server.answer = answer

    async def scenario(caller: Caller) -> Any:
        with anyio.move_on_after(0.05) as scope:
            await caller.do("post", server.url, json=PROMPT)
        return scope.cancelled_caught, len(caller.client._transport._pool.connections)

    call, span = same(kind, server.host, scenario, backend=loop).pair
    assert call.outcome == (span.attributes or {})["spancast.outcome"] == "cancelled"
    assert call.generation_id == (None if answer.silent else GENERATION)


@every_sync_kind
@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.skipif(sys.platform == "win32", reason="No signal interrupts a read there.")
def test_a_signal_that_interrupts_the_read_cancels_the_stream(kind: Kind, stream: bool, server: Replay) -> None:
    server.answer = HELD

    def interrupt(*_: object) -> None:
        raise Interrupt

    async def read(caller: Caller) -> None:
        if not stream:
            await caller.do("post", server.url, json=PROMPT)
        async with caller.streaming(server.url, json=PROMPT) as response:
            await caller.read(response)

    async def scenario(caller: Caller) -> None:
        sender = threading.Timer(0.05, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
        sender.start()
        with pytest.raises(Interrupt):
            await read(caller)
        sender.join()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        check(same(kind, server.host, scenario), "cancelled")
    finally:
        signal.signal(signal.SIGUSR1, before)


@in_every_loop
def test_an_answer_that_is_dropped_unread_is_abandoned(kind: Kind, loop: str, server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> None:
        await caller.open(server.url, json=PROMPT)

    check(same(kind, server.host, scenario, backend=loop), "abandoned", words=False)


@in_every_loop
def test_an_iterator_that_is_dropped_closes_its_answer(kind: Kind, loop: str, server: Replay) -> None:
    """The generator of httpx2 does so at that very statement or, asynchronously, soon after; that of httpx does not."""
    server.answer = HELD

    async def scenario(caller: Caller) -> None:
        await caller.step(caller.iterator(await caller.open(server.url, json=PROMPT)))
        await settled()

    check(same(kind, server.host, scenario, backend=loop), CLOSED_BY_ITS_ITERATOR[kind.library])


class Holder:
    """Something that can be part of a reference cycle."""

    held: Any


def words(response: Any, _cycle: Holder) -> Any:
    yield from response.iter_bytes()


async def async_words(response: Any, _cycle: Holder) -> Any:
    async for piece in response.aiter_bytes():
        yield piece


def generator(caller: Caller, response: Any) -> Any:
    """Return a generator of the application's over the body, in a reference cycle."""
    holder = Holder()
    holder.held = (async_words if caller.kind.asynchronous else words)(response, holder)
    return holder.held


@every_kind
def test_a_generator_in_a_reference_cycle_is_abandoned_when_it_is_collected(
    kind: Kind, server: Replay, caplog: pytest.LogCaptureFixture
) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> None:
        await caller.step(generator(caller, await caller.open(server.url, json=PROMPT)))
        gc.collect()
        await settled()

    run(kind, scenario)
    noise = [record.getMessage()[:40] for record in caplog.records]
    caplog.clear()
    with watched(server.host) as seen:
        run(kind, scenario)
        assert seen.ended == (), "The collector may have come in the midst of a tracer, whose locks are held."
        check(seen, "abandoned")
    # The generators of httpx2 are all collected at once, and then closed by each other.
    assert [record.getMessage()[:40] for record in caplog.records] == noise
    caplog.clear()


def test_a_generator_that_is_collected_before_its_answer_is_abandoned(server: Replay) -> None:
    server.answer = HELD
    kind = Kind(httpx2, asynchronous=False)
    kept = []

    async def scenario(caller: Caller) -> None:
        kept.append(await caller.open(server.url, json=PROMPT))
        await caller.step(generator(caller, kept[-1]))
        gc.collect()

    seen = same(kind, server.host, scenario)
    assert seen.ended == ()
    check(seen, "abandoned")


@in_every_loop
@pytest.mark.parametrize(("answer", "error"), [(CUT, "RemoteProtocolError"), (HELD, "ReadTimeout")])
def test_a_stream_that_breaks_is_an_error_with_what_had_come(
    kind: Kind, loop: str, answer: Answer, error: str, server: Replay
) -> None:
    server.answer = answer

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT, timeout=0.1)
        got: list[bytes] = []
        with pytest.raises(getattr(kind.library, error)) as caught:
            await caller.loop(response, got.append)
        return b"".join(got), str(caught.value), response.is_closed

    seen = same(kind, server.host, scenario, backend=loop)
    check(seen, "error")
    assert seen.only.error_type == f"{kind.library.__name__}.{error}"


@every_kind
def test_a_byte_stream_may_be_iterated_twice(kind: Kind, server: Replay) -> None:
    """One client stops at `[DONE]`, and drains what is left in a second loop."""
    server.answer = Answer(200, HEADERS, (*STREAM, *TEXT))

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        stream = response.stream
        first = aiter(stream) if kind.asynchronous else iter(stream)
        got = [await caller.step(first) for _ in STREAM]
        rest = [piece async for piece in stream] if kind.asynchronous else list(stream)
        await caller.close(response)
        return b"".join(got), b"".join(rest)

    assert same(kind, server.host, scenario).pair[0].outcome == "completed"


def in_a_thread(act: Any) -> Any:
    """Return what `act` returns in a thread, and a context, of its own."""
    result: list[Any] = []
    thread = threading.Thread(target=lambda: result.append(act()))
    thread.start()
    thread.join()
    return result[0]


@every_sync_kind
def test_a_stream_may_be_read_by_one_thread_and_closed_by_another(kind: Kind, server: Replay) -> None:
    server.answer = HELD

    async def scenario(caller: Caller) -> Any:
        response = await caller.open(server.url, json=PROMPT)
        pieces = response.iter_bytes()
        got = [in_a_thread(lambda: next(pieces)) for _ in range(2)]
        in_a_thread(response.close)
        return got

    check(same(kind, server.host, scenario), "closed")


@every_sync_kind
def test_a_stream_that_two_threads_close_at_once_is_closed_once(kind: Kind, server: Replay) -> None:
    server.answer = HELD
    both = threading.Barrier(2)

    def close(response: Any) -> None:
        both.wait()
        response.stream.close()

    async def scenario(caller: Caller) -> None:
        for _ in range(20):
            response = await caller.open(server.url, json=PROMPT)
            threads = [threading.Thread(target=close, args=(response,)) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    seen = same(kind, server.host, scenario)
    assert [call.outcome for call in seen] == ["closed"] * 20
    assert len(seen.spans) == 20


@in_every_async_loop
def test_a_stream_may_be_opened_read_and_closed_by_tasks_of_their_own(kind: Kind, loop: str, server: Replay) -> None:
    """Each task has a context of its own, and none of ours may be left in it, or looked for in it."""
    server.answer = HELD

    async def in_a_task(act: Any) -> Any:
        found: list[Any] = []

        async def keep() -> None:
            found.append(await act())

        async with anyio.create_task_group() as group:
            group.start_soon(keep)
        return found[0]

    async def scenario(caller: Caller) -> Any:
        response = await in_a_task(lambda: caller.open(server.url, json=PROMPT))
        pieces = caller.iterator(response)
        got = [await in_a_task(lambda: caller.step(pieces)) for _ in range(2)]
        await in_a_task(response.aclose)
        return got

    check(same(kind, server.host, scenario, backend=loop), "closed")


@every_async_kind
@pytest.mark.parametrize("elsewhere", [False, True])
def test_a_request_whose_coroutine_is_left_half_way_is_abandoned(kind: Kind, elsewhere: bool) -> None:
    """It may be closed in another context than it began in, where no token of ours can be given back."""

    class Silent(kind.library.AsyncBaseTransport):
        async def handle_async_request(self, _request: Any) -> Any:
            await anyio.sleep_forever()

    async def scenario(caller: Caller) -> Any:
        url = "https://openrouter.ai/api/v1/chat/completions"
        sending = caller.client.send(caller.client.build_request("POST", url, json=PROMPT))
        begun = copy_context()
        left = copy_context() if elsewhere else begun
        begun.run(sending.send, None)
        left.run(sending.close)
        return left.run(trace.get_current_span) is trace.INVALID_SPAN

    seen = same(kind, "unused.example", scenario, lambda: {"transport": Silent()})
    assert (seen.pair[0].outcome, seen.only.http_status) == ("abandoned", None)


def openai_stream(server: Replay, leave: str) -> str:
    """Read one word by the OpenAI SDK, and leave the rest in one of the ways that people leave it."""
    with openai.OpenAI(base_url=server.base_url, api_key="k") as client:
        stream = client.chat.completions.create(**PROMPT, stream=True)
        if leave == "drop":
            return next(stream).choices[0].delta.content or ""
        with stream if leave == "with" else closing(stream):
            for chunk in stream:
                return chunk.choices[0].delta.content or ""
    raise AssertionError("Nothing came.")


async def openai_async_stream(server: Replay, leave: str) -> str:
    async with openai.AsyncOpenAI(base_url=server.base_url, api_key="k") as client:
        stream = await client.chat.completions.create(**PROMPT, stream=True)
        if leave == "drop":
            return (await anext(stream)).choices[0].delta.content or ""
        async with stream if leave == "with" else aclosing(stream):
            async for chunk in stream:
                return chunk.choices[0].delta.content or ""
    raise AssertionError("Nothing came.")


@pytest.mark.parametrize("asynchronous", [False, True])
@pytest.mark.parametrize(("leave", "outcome"), [("with", "closed"), ("close", "closed"), ("drop", "abandoned")])
def test_a_stream_of_an_sdk_ends_as_it_is_left(asynchronous: bool, leave: str, outcome: str, server: Replay) -> None:
    server.answer = HELD

    async def leave_it() -> str:
        got = await openai_async_stream(server, leave) if asynchronous else openai_stream(server, leave)
        gc.collect()
        return got

    with watched(server.host) as seen:
        assert anyio.run(leave_it) == "Hello"
    check(seen, outcome)


@pytest.mark.parametrize("library", ["httpx", "httpx2"])
@pytest.mark.parametrize("read", [0, 1])
def test_a_stream_that_is_open_when_the_process_ends_is_booked(
    library: str, read: int, openrouter: Simulator, tmp_path: Path
) -> None:
    environment = surroundings(tmp_path, openrouter)
    program = f"""
import os, {library}
client = {library}.Client(base_url=os.environ["OPENROUTER_BASE_URL"], headers={{"authorization": "Bearer sk-or-v1-k"}})
request = client.build_request("POST", "/chat/completions", json={{**{PROMPT}, "stream": True}})
response = client.send(request, stream=True)
pieces = response.iter_bytes()
got = [next(pieces) for _ in range({read})]
"""
    done = run_program(program, environment)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    (call,) = calls(environment)
    assert call["outcome"] in ("closed", "abandoned")
    assert call["generation_id"] == openrouter.bills[0].generation_id
