"""What an observer feeds is the body, by whatever methods its file is read; and the reader gets every byte."""

import io
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.dialects.chat import CHAT
from spancast.capture.dialects.plain import SPEECH
from spancast.capture.exchange import Exchange
from spancast.hooks.http_body import BodyObserver, observe_file, untranslated
from spancast.hooks.http_framing import Chunked, Framing, Sized, Unsized
from spancast.records.call import Call

Step = tuple[str, int]


class Passing:
    """A body on its way, of which `early` bytes come with the head, with what is shown of it."""

    def __init__(self, wire: bytes, framing: Framing, early: int = 0) -> None:
        self.wire, self.shown, self.calls = wire, list[bytes](), list[Call]()
        base = Call(call_id="0" * 32, operation="speech", started_at=0)
        self.exchange = Exchange(base, SPEECH, lambda _: None, self.calls.append)
        self.exchange.headers(200, {"content-type": "audio/mpeg"})
        self.exchange.feed = self.shown.append
        self._server, self._client = socket.socketpair()
        self._server.sendall(b"head\n" + wire[:early])
        self.file = self._client.makefile("rb")
        assert self.file.readline() == b"head\n"
        observe_file(self.file, BodyObserver(self.exchange, framing, untranslated))
        self._server.sendall(wire[early:])
        self._server.shutdown(socket.SHUT_WR)

    def read(self, steps: list[Step]) -> bytes:
        """Read by these steps, and what is left by whole reads of a few bytes, to the end of the connection."""
        got = b""
        for way, size in [*steps, *[("read", 7)] * (len(self.wire) + 1)]:
            got += WAYS[way](self.file, size)
        return got

    def close(self) -> None:
        for each in (self.file, self._client, self._server):
            each.close()


@contextmanager
def passing(wire: bytes, framing: Framing, early: int = 0) -> Iterator[Passing]:
    found = Passing(wire, framing, early)
    try:
        yield found
    finally:
        found.close()


def filled(file: Any, size: int) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: file.readinto(buffer)])


WAYS: dict[str, Callable[[Any, int], bytes]] = {
    "read": lambda file, size: file.read(size),
    "read1": lambda file, size: file.read1(size),
    "readinto": filled,
    "readline": lambda file, size: file.readline(size),
    "whole line": lambda file, _: file.readline(),
    "rest": lambda file, _: file.read(),
    "much": lambda file, _: file.read(100_000),
}
STEPS = st.lists(st.tuples(st.sampled_from(sorted(WAYS)), st.integers(1, 40)), max_size=40)
EARLY = st.integers(0, 200)


@given(
    st.lists(st.binary(min_size=1, max_size=60), max_size=6),
    st.sampled_from([b"%x", b"%X;x=y", b"000%x "]),
    STEPS,
    EARLY,
)
def test_a_body_in_chunks(chunks: list[bytes], size: bytes, steps: list[Step], early: int) -> None:
    wire = b"".join(size % len(chunk) + b"\r\n" + chunk + b"\r\n" for chunk in chunks) + b"0\r\n\r\n"
    with passing(wire + b"next", Chunked(), early) as body:
        assert body.read(steps) == body.wire
        assert b"".join(body.shown) == b"".join(chunks)
        assert [call.outcome for call in body.calls] == ["completed"]


@given(st.binary(min_size=1, max_size=120), STEPS, EARLY)
def test_a_body_of_a_known_size(data: bytes, steps: list[Step], early: int) -> None:
    with passing(data + b"next", Sized(len(data)), early) as body:
        assert body.read(steps) == body.wire
        assert b"".join(body.shown) == data
        assert [call.outcome for call in body.calls] == ["completed"]


@given(st.binary(max_size=120), STEPS, EARLY)
def test_a_body_of_no_known_size(data: bytes, steps: list[Step], early: int) -> None:
    with passing(data, Unsized(), early) as body:
        assert body.read(steps) == b"".join(body.shown) == data
        assert [call.outcome for call in body.calls] == ["completed"]


@given(st.binary(min_size=2, max_size=120), STEPS, EARLY)
@pytest.mark.parametrize("framing", [Sized, lambda _: Chunked()], ids=["sized", "chunked"])
def test_a_body_that_is_cut_short(
    framing: Callable[[int], Framing], data: bytes, steps: list[Step], early: int
) -> None:
    wire = data if framing is Sized else b"%x\r\n" % len(data) + data
    with passing(wire[:-1], framing(len(data)), early) as body:
        assert body.read(steps) == wire[:-1]
        assert data.startswith(b"".join(body.shown))
        assert [call.error_type for call in body.calls] == ["http.client.IncompleteRead"]


def test_what_a_file_holds_already_is_heard_and_nothing_is_waited_for() -> None:
    with passing(b"4\r\ndata\r\n", Chunked(), early=9) as body:
        assert body.shown == [b"data"]
    with passing(b"4\r\ndata\r\n", Chunked()) as body:
        assert body.shown == []


@pytest.mark.parametrize(
    "file", [io.BytesIO(b"body"), io.BufferedReader(io.FileIO(os.devnull))], ids=["none", "a disk's"]
)
def test_a_file_that_no_connection_fills_is_left_alone(file: io.BufferedIOBase) -> None:
    with passing(b"", Unsized()) as body, file:
        assert not observe_file(file, BodyObserver(body.exchange, Unsized(), untranslated))
        assert type(getattr(file, "raw", None)) in (io.FileIO, type(None))


def event(text: str) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%b"}}]}\n\n' % text.encode()


def framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Streaming:
    """A stream of events on its way, with each piece that is shown of it, and the call that comes of it."""

    def __init__(self) -> None:
        self.calls, self.shown = list[Call](), list[bytes]()
        base = Call(call_id="0" * 32, operation="chat", started_at=0)
        self.exchange = Exchange(base, CHAT, lambda _: None, self.calls.append)
        self.exchange.headers(200, {"content-type": "text/event-stream"})
        feed = self.exchange.feed

        def show(data: bytes) -> None:
            self.shown.append(data)
            feed(data)

        self.exchange.feed = show
        self._server, self._client = socket.socketpair()
        self.file = self._client.makefile("rb")
        observe_file(self.file, BodyObserver(self.exchange, Chunked(), untranslated))

    def pass_on(self, data: bytes) -> None:
        self._server.sendall(data)
        assert self.file.read(len(data)) == data

    def close(self) -> None:
        for each in (self.file, self._client, self._server):
            each.close()


@pytest.fixture
def stream() -> Iterator[Streaming]:
    stream = Streaming()
    yield stream
    stream.close()


def test_every_event_is_shown_at_once_until_the_answer_has_begun(stream: Streaming) -> None:
    waiting = b": OPENROUTER PROCESSING\n\n"
    for data in (waiting, event(""), waiting, event("Hello")):
        stream.pass_on(framed(data))
        assert stream.shown[-1] == data


def test_from_then_on_whole_events_are_shown_together(stream: Streaming) -> None:
    stream.pass_on(framed(event("Hello")))
    for number in range(100):
        stream.pass_on(framed(event(str(number))))
    assert stream.shown == [event("Hello")]
    stream.close()
    assert stream.shown == [event("Hello"), b"".join(event(str(number)) for number in range(100))]
    assert [call.outcome for call in stream.calls] == ["closed"]


def test_no_more_is_held_than_a_batch(stream: Streaming) -> None:
    for number in range(1000):
        stream.pass_on(framed(event(str(number))))
    assert 1000 / 300 < len(stream.shown) < 10
    assert max(map(len, stream.shown)) <= 16 * 1024


@pytest.mark.parametrize("cut", range(1, 24))
def test_the_end_mark_ends_the_call_at_once_wherever_it_is_cut(cut: int, stream: Streaming) -> None:
    last = framed(b"data: [DONE]\n\n")
    for number in range(5):
        stream.pass_on(framed(event(str(number))))
    stream.pass_on(last[:cut])
    stream.pass_on(last[cut:])
    assert [call.outcome for call in stream.calls] == ["completed"]


def test_what_is_urgent_for_another_span_is_shown_at_once() -> None:
    stream = Streaming()
    stream.exchange.on_usage = lambda _: None
    for number in range(5):
        stream.pass_on(framed(event(str(number))))
        assert stream.shown[-1] == event(str(number))
    stream.close()
