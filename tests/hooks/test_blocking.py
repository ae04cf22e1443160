"""However an exchange over `http.client` ends there is one Call and one span, and the client's own words.

Mostly the server says a few words and then holds its tongue, so that no more can have come than the test has read.
"""

import gc
import signal
import socket
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from opentelemetry import trace

from tests.hooks.blocking import CLIENTS, Client, every_client, raised, run, same
from tests.support.answers import COST, GENERATION, JSON, MODEL, PROVIDER, SSE, STREAM, TEXT, plain
from tests.support.replay import Answer, Replay
from tests.support.watched import Watched, watched

HEADERS = {**SSE, "x-generation-id": GENERATION}
WHOLE = Answer(200, HEADERS, STREAM)
HELD = Answer(200, HEADERS, TEXT, hold=True)
FIRST = TEXT[0]

# What is dropped leaves its socket to the collector, bare or hooked.
pytestmark = pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")


class Interrupt(BaseException):
    """As KeyboardInterrupt, which would end the test run."""


def check(seen: Watched, outcome: str, *, words: bool = True) -> None:
    """Check that the one call and its one span say how it ended, and what had come by then.

    Without `words` nothing was read, but some may have come with the head.
    """
    call, span = seen.pair
    (opened,) = seen.opened
    attributes = dict(span.attributes or {})
    assert opened.call_id == call.call_id == attributes["spancast.call_id"]
    assert call.outcome == attributes["spancast.outcome"] == outcome
    assert (call.http_status, call.generation_id, call.streamed) == (200, GENERATION, True)
    assert (call.response_model, call.provider) in ((MODEL, PROVIDER), *([] if words else [(None, None)]))
    assert (call.cost, call.input_tokens, call.output_tokens) == (None, None, None)
    assert (call.error_type is not None) is (outcome == "error")
    assert call.duration is not None
    assert span.end_time == call.started_at + call.duration


def read_first(pieces: Any) -> bytes:
    """Read on until the first event has come, and no further."""
    got = b""
    while len(got) < len(FIRST):
        got += next(pieces)
    return got


@every_client
@pytest.mark.parametrize("answer", [WHOLE, Answer(200, JSON, [b"\n     \n", plain()])], ids=["events", "plain"])
def test_an_answer_that_is_taken_whole_is_completed(client: Client, answer: Answer, server: Replay) -> None:
    server.answer = answer
    call, span = same(server.host, lambda: client.whole(server.url)).pair
    assert (call.outcome, call.cost, call.finish_reasons) == ("completed", COST, ("stop",))
    assert (call.request_model, call.server_address) == ("openai/gpt-5-mini", "127.0.0.1")
    assert (span.attributes or {})["openrouter.cost_usd"] == format(COST, "f")


@every_client
def test_a_stream_that_is_read_out_is_completed(client: Client, server: Replay) -> None:
    server.answer = WHOLE
    call = same(server.host, lambda: list(client.pieces(client.open(server.url)))).pair[0]
    assert (call.outcome, call.cost, call.streamed) == ("completed", COST, True)
    assert call.time_to_first_token is not None


@every_client
@pytest.mark.parametrize("afterwards", ["closed", "dropped"])
def test_a_stream_is_completed_before_its_end_mark_is_handed_on(
    client: Client, afterwards: str, server: Replay
) -> None:
    """Whoever sees `[DONE]` finds the span ended, and need not read on."""
    whole = b"\n\n" + b"".join(STREAM)
    server.answer = Answer(200, HEADERS, [b":" * (-len(whole) % 16) + whole], hold=True)
    with watched(server.host) as seen:
        response, got = client.open(server.url), b""
        pieces = client.pieces(response)
        while b"[DONE]\n\n" not in got:
            got += next(pieces)
        assert len(seen.ended) == 1
        if afterwards == "closed":
            response.close()
        del response, pieces
        gc.collect()
        assert (seen.pair[0].outcome, seen.only.cost) == ("completed", COST)


@every_client
@pytest.mark.parametrize("read", [False, True])
def test_an_answer_that_is_closed_early_is_closed(client: Client, read: bool, server: Replay) -> None:
    server.answer = HELD

    def scenario() -> Any:
        response = client.open(server.url)
        pieces = client.pieces(response)
        got = read_first(pieces) if read else b""
        response.close()
        response.close()
        return got

    check(same(server.host, scenario), "closed", words=read)


@every_client
def test_the_span_of_an_answer_that_is_closed_ends_at_once(client: Client, server: Replay) -> None:
    server.answer = HELD
    with watched(server.host) as seen:
        client.open(server.url).close()
        assert len(seen.ended) == 1


@every_client
def test_a_loop_that_is_left_ends_its_answer(client: Client, server: Replay) -> None:
    """urllib3 closes the answer with the loop; what is read without one is left to the collector."""
    server.answer = HELD

    def scenario() -> Any:
        response, got = client.open(server.url), b""
        for piece in client.pieces(response):
            got += piece
            if len(got) > len(FIRST):
                break
        return got

    check(same(server.host, scenario), "closed" if client.closes_when_left else "abandoned")


@every_client
@pytest.mark.parametrize(("error", "outcome"), [(LookupError, "closed"), (Interrupt, "cancelled")])
def test_an_exception_in_the_block_ends_the_stream(
    client: Client, error: type[BaseException], outcome: str, server: Replay
) -> None:
    server.answer = HELD

    def fail() -> None:
        with client.open(server.url) as response:
            pieces = client.pieces(response)
            read_first(pieces)
            raise error("in the block")

    def scenario() -> Any:
        with pytest.raises(error, match="in the block") as caught:
            fail()
        return type(caught.value.__context__)

    check(same(server.host, scenario), outcome)


@every_client
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.skipif(sys.platform == "win32", reason="No signal interrupts a read there.")
def test_a_signal_that_interrupts_the_read_cancels_the_stream(client: Client, whole: bool, server: Replay) -> None:
    server.answer = HELD

    def interrupt(*_: object) -> None:
        raise Interrupt

    def read() -> None:
        if whole:
            client.whole(server.url)
        for _ in client.pieces(client.open(server.url)):
            pass

    def scenario() -> None:
        sender = threading.Timer(0.1, signal.pthread_kill, (threading.get_ident(), signal.SIGUSR1))
        sender.start()
        with pytest.raises(Interrupt):
            read()
        sender.join()

    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        check(same(server.host, scenario), "cancelled")
    finally:
        signal.signal(signal.SIGUSR1, before)


@every_client
@pytest.mark.parametrize("read", [False, True])
def test_an_answer_that_is_dropped_is_abandoned(client: Client, read: bool, server: Replay) -> None:
    """Its finalizer closes it, which nobody asked for, and may do so in the midst of anything: its span ends later."""
    server.answer = HELD

    def scenario() -> Any:
        response = client.open(server.url)
        got = b""
        while read and len(got) < len(FIRST):
            got += (response.raw if client.name == "requests" else response).read(16)
        return got

    seen = same(server.host, scenario)
    assert seen.ended == ()
    check(seen, "abandoned", words=read)


class Holder:
    """Something that can be part of a reference cycle."""

    held: Any


@every_client
@pytest.mark.parametrize("read", [False, True])
def test_an_answer_in_a_reference_cycle_is_abandoned_when_it_is_collected(
    client: Client, read: bool, server: Replay
) -> None:
    server.answer = HELD

    def scenario() -> Any:
        response = client.open(server.url)
        pieces = client.pieces(response)
        holder = Holder()
        holder.held = holder, response, pieces
        return read_first(pieces) if read else None

    with watched(server.host) as seen:
        run(scenario)
        gc.collect()
        assert seen.ended == (), "The collector may have come in the midst of a tracer, whose locks are held."
        check(seen, "abandoned", words=read)


@every_client
def test_a_stream_may_be_read_by_one_thread_and_closed_by_another(client: Client, server: Replay) -> None:
    server.answer = HELD

    def scenario() -> Any:
        with ThreadPoolExecutor(1) as one, ThreadPoolExecutor(1) as other:
            response = one.submit(client.open, server.url).result()
            got = one.submit(read_first, client.pieces(response)).result()
            other.submit(response.close).result()
        return got

    check(same(server.host, scenario), "closed")


def test_many_threads_share_the_clients(server: Replay) -> None:
    server.answer = WHOLE
    with watched(server.host) as seen, ThreadPoolExecutor(12) as threads:
        bodies = set(threads.map(lambda number: CLIENTS[number % 3].whole(server.url), range(60)))
    assert bodies == {b"".join(STREAM)}
    assert [call.outcome for call in seen] == ["completed"] * 60
    assert len({call.call_id for call in seen}) == len(seen.spans) == 60


@every_client
def test_nothing_of_ours_is_left_in_the_context(client: Client, server: Replay) -> None:
    server.answer = HELD

    def scenario() -> Any:
        response = client.open(server.url)
        during = trace.get_current_span() is trace.INVALID_SPAN
        response.close()
        return during, trace.get_current_span() is trace.INVALID_SPAN

    assert run(scenario) == (True, True)
    check(same(server.host, scenario), "closed", words=False)


@every_client
@pytest.mark.parametrize("whole", [True, False])
def test_nobody_listens(client: Client, whole: bool) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
        ask = client.whole if whole else client.open
        seen, told = raised(host, lambda: ask(f"http://{host}/chat/completions"))
    assert told is client.refused[0]
    assert (seen.only.outcome, seen.only.http_status, seen.only.error_type) == ("error", None, client.refused[1])


@every_client
@pytest.mark.parametrize("whole", [True, False])
def test_nothing_is_answered_in_time(client: Client, whole: bool, server: Replay) -> None:
    server.answer = Answer(silent=True)
    ask = client.whole if whole else client.open
    seen, told = raised(server.host, lambda: ask(server.url, timeout=0.1))
    assert told is client.silent[0]
    assert (seen.only.outcome, seen.only.error_type) == ("error", client.silent[1])


def read_out(client: Client, url: str, *, whole: bool, **options: Any) -> Any:
    return client.whole(url, **options) if whole else list(client.pieces(client.open(url, **options)))


@every_client
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("headers", [JSON, SSE], ids=["plain", "events"])
def test_the_body_stops_half_way(client: Client, whole: bool, headers: dict[str, str], server: Replay) -> None:
    server.answer = Answer(200, {**headers, "x-generation-id": GENERATION}, TEXT, hold=True)
    seen, told = raised(server.host, lambda: read_out(client, server.url, whole=whole, timeout=0.1))
    assert told is client.held[0]
    assert (seen.only.outcome, seen.only.generation_id, seen.only.http_status) == ("error", GENERATION, 200)
    assert (seen.only.error_type, seen.only.cost) == (client.held[1], None)


@every_client
@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("headers", [JSON, SSE], ids=["plain", "events"])
def test_the_connection_is_cut_half_way(client: Client, whole: bool, headers: dict[str, str], server: Replay) -> None:
    server.answer = Answer(200, {**headers, "x-generation-id": GENERATION}, TEXT, cut=True)
    seen, told = raised(server.host, lambda: read_out(client, server.url, whole=whole))
    assert told is client.cut[0]
    assert (seen.only.outcome, seen.only.generation_id, seen.only.http_status) == ("error", GENERATION, 200)
    assert (seen.only.error_type, seen.only.cost) == (client.cut[1], None)


@every_client
def test_other_hosts_and_other_paths_open_nothing(client: Client, server: Replay) -> None:
    server.answer = Answer(200, JSON, [plain()])
    for host in ("127.0.0.2", f"{server.base_url}/other"):
        with watched(host) as seen:
            assert client.whole(server.url) == plain()
        assert (list(seen), seen.opened, seen.spans) == ([], [], ())
