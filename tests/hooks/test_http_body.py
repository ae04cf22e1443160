"""What an ear shows of a body, by whatever methods its file is read, is the body; and the reader gets every byte."""

from collections.abc import Callable
from dataclasses import dataclass, field
from io import BufferedReader, BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.call import Call
from spancast.capture.exchange import Exchange
from spancast.capture.speech import SPEECH
from spancast.hooks.http_body import Ear, in_its_own_words
from spancast.hooks.http_framing import Chunked, Framing, Sized, Unsized

Step = tuple[str, int]


@dataclass
class Passing:
    """A body on its way, with what is shown of it."""

    wire: bytes
    framing: Framing
    shown: list[bytes] = field(default_factory=list)
    calls: list[Call] = field(default_factory=list)

    def __post_init__(self) -> None:
        base = Call(call_id="0" * 32, operation="speech", started_at=0)
        self.exchange = Exchange(base, SPEECH, lambda _: None, self.calls.append)
        self.exchange.headers(200, {"content-type": "audio/mpeg"})
        self.exchange.feed = self.shown.append
        self.ear = Ear(BufferedReader(BytesIO(self.wire)), self.exchange, self.framing, in_its_own_words)

    def read(self, steps: list[Step]) -> bytes:
        """Read by these steps, and what is left by whole reads of a few bytes, until the exchange is finished."""
        got = b""
        for way, size in [*steps, *[("read", 7)] * (len(self.wire) + 1)]:
            if self.calls:
                break
            got += WAYS[way](self.ear, size)
        return got


def filled(ear: Ear, size: int) -> bytes:
    buffer = bytearray(size)
    return bytes(buffer[: ear.readinto(buffer)])


WAYS: dict[str, Callable[[Any, int], bytes]] = {
    "read": lambda ear, size: ear.read(size),
    "read1": lambda ear, size: ear.read1(size),
    "readinto": filled,
    "readline": lambda ear, size: ear.readline(size),
    "whole line": lambda ear, _: ear.readline(),
}
STEPS = st.lists(st.tuples(st.sampled_from(sorted(WAYS)), st.integers(1, 40)), max_size=40)


@given(
    st.lists(st.binary(min_size=1, max_size=60), max_size=6),
    st.sampled_from([b"%x", b"%X;x=y", b"000%x "]),
    STEPS,
)
def test_a_body_in_chunks(chunks: list[bytes], size: bytes, steps: list[Step]) -> None:
    wire = b"".join(size % len(chunk) + b"\r\n" + chunk + b"\r\n" for chunk in chunks) + b"0\r\n\r\n"
    passing = Passing(wire + b"next", Chunked())
    assert passing.wire.startswith(passing.read(steps))
    assert b"".join(passing.shown) == b"".join(chunks)
    assert [call.outcome for call in passing.calls] == ["completed"]


@given(st.binary(min_size=1, max_size=120), STEPS)
def test_a_body_of_a_known_size(body: bytes, steps: list[Step]) -> None:
    passing = Passing(body, Sized(len(body)))
    assert passing.read(steps) == body
    assert b"".join(passing.shown) == body
    assert [call.outcome for call in passing.calls] == ["completed"]


@given(st.binary(max_size=120), STEPS)
def test_a_body_of_no_known_size(body: bytes, steps: list[Step]) -> None:
    passing = Passing(body, Unsized())
    assert passing.read(steps) == body
    assert b"".join(passing.shown) == body
    assert [call.outcome for call in passing.calls] == ["completed"]


@given(st.binary(min_size=2, max_size=120), STEPS)
@pytest.mark.parametrize("framing", [Sized, lambda _: Chunked()], ids=["sized", "chunked"])
def test_a_body_that_is_cut_short(framing: Callable[[int], Framing], body: bytes, steps: list[Step]) -> None:
    wire = body if framing is Sized else b"%x\r\n" % len(body) + body
    passing = Passing(wire[:-1], framing(len(body)))
    assert passing.read(steps) == wire[:-1]
    assert body.startswith(b"".join(passing.shown))
    assert [call.error_type for call in passing.calls] == ["http.client.IncompleteRead"]


@pytest.mark.parametrize("chunks", [1, 50])
def test_a_chunk_is_shown_when_it_is_read_and_as_it_is(chunks: int) -> None:
    """As `http.client` and urllib3 read: the line, the data, the end of the chunk."""
    passing = Passing(b"4\r\ndata\r\n" * chunks + b"0\r\n\r\n", Chunked())
    for number in range(chunks):
        assert passing.ear.readline() == b"4\r\n"
        assert (passing.ear.read(4), passing.shown[number:]) == (b"data", [b"data"])
        assert passing.ear.read(2) == b"\r\n"
    assert passing.ear.readline() == b"0\r\n"
    assert passing.calls == []
    assert passing.ear.readline() == b"\r\n"
    assert [call.outcome for call in passing.calls] == ["completed"]
