import gzip
import time

import pytest

from spancast.testing import Simulator
from tests.testing.wire import Reply, chat

STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["plain", "streamed"])


def wishing(stream: bool, **headers: str) -> Reply:
    """Send a request to a seeded simulator, whose responses are deterministic."""
    with Simulator(seed=7) as simulator:
        named = {f"X-Simulator-{name.replace('_', '-')}": value for name, value in headers.items()}
        return chat(simulator, named, stream=stream)


def test_a_network_chunk_is_one_event(openrouter: Simulator):
    reply = wishing(stream=True)
    assert all(chunk.endswith(b"\n\n") and chunk.count(b"\n\n") == 1 for chunk in reply.chunks)


@STREAMS
def test_all_can_come_in_one_network_chunk(stream: bool):
    assert wishing(stream, chunks="whole").chunks == (wishing(stream).body,)


@STREAMS
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_network_chunks_can_be_cut_anywhere(stream: bool, size: int):
    reply = wishing(stream, chunks=str(size))
    assert reply.body == wishing(stream).body
    assert {len(chunk) for chunk in reply.chunks[:-1]} <= {size}
    assert 0 < len(reply.chunks[-1]) <= size


def test_network_chunks_can_come_slowly():
    begin = time.perf_counter()
    reply = wishing(stream=True, chunk_delay="0.01")
    assert time.perf_counter() - begin >= 0.01 * len(reply.chunks)


@pytest.mark.parametrize("count", [1, 2, 1000])
def test_an_answer_has_as_many_words_as_wished(count: int):
    reply = wishing(stream=False, words=str(count))
    assert len(reply.text.split(" ")) == count


def test_a_stream_of_a_thousand_words_has_an_event_for_each():
    reply = wishing(stream=True, words="1000")
    assert len([event for event in reply.events if event["choices"][0]["delta"].get("content")]) == 1000


@STREAMS
@pytest.mark.parametrize("chunks", ["event", "whole", "5"])
def test_a_body_can_be_compressed(stream: bool, chunks: str):
    reply = wishing(stream, encoding="gzip", chunks=chunks)
    assert reply.headers["content-encoding"] == "gzip"
    assert gzip.decompress(reply.body) == wishing(stream).body


def test_a_compressed_stream_is_flushed_event_by_event():
    reply, plain = wishing(stream=True, encoding="gzip"), wishing(stream=True)
    assert len(reply.chunks) == len(plain.chunks) + 1


def test_a_compressed_answer_that_is_cut_has_no_end():
    with pytest.raises(EOFError):
        gzip.decompress(wishing(stream=True, encoding="gzip", fault="cut").body)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("chunks", "0"),
        ("chunks", "some"),
        ("chunk_delay", "-1"),
        ("chunk_delay", "soon"),
        ("words", "0"),
        ("words", "many"),
        ("encoding", "brotli"),
        ("done", "yes"),
        ("tier", "fast"),
        ("lookups", "-1"),
        ("ready_after", "soon"),
        ("polls", "many"),
        ("delay", "nan"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_cure(name: str, value: str):
    reply = wishing(False, **{name: value})
    assert reply.status == 400
    assert f"cannot be '{value}'. Write " in reply.json["error"]["message"]
