"""The body of an HTTP/1.1 message, told from its framing, however the bytes are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spancast.hooks.http_framing import Chunked, Framing, Sized, Unsized

CUTS = st.lists(st.integers(1, 40), max_size=30)


def cut(data: bytes, sizes: list[int]) -> list[bytes]:
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


def heard(framing: Framing, pieces: list[bytes]) -> bytes:
    parts: list[bytes] = []
    for piece in pieces:
        framing.take(piece, parts.append)
    return b"".join(parts)


@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), CUTS, st.sampled_from([b"", b"A: b\r\n", b"A:\nB:\n"]))
def test_the_data_of_chunks_is_the_body_however_they_are_cut(
    chunks: list[bytes], cuts: list[int], trailers: bytes
) -> None:
    wire = b"".join(b"%X;x=y\r\n%s\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n" + trailers
    framing = Chunked()
    assert heard(framing, cut(wire, cuts)) == b"".join(chunks)
    assert (framing.over, framing.open_ended) == (False, True)
    assert heard(framing, [b"\r", b"\n", b"what comes behind it"]) == b""
    assert framing.over


@given(st.binary(max_size=200), CUTS)
def test_a_body_of_a_known_size_is_over_with_its_last_byte(body: bytes, cuts: list[int]) -> None:
    framing, left = Sized(len(body)), len(body)
    for piece in filter(None, cut(body, cuts)):
        assert not framing.over
        assert heard(framing, [piece]) == piece
        left -= len(piece)
        assert framing.over is (left == 0)
    assert framing.over


@given(st.binary(max_size=200), CUTS)
def test_a_body_of_no_known_size_is_over_with_its_connection(body: bytes, cuts: list[int]) -> None:
    framing = Unsized()
    assert heard(framing, cut(body, cuts)) == body
    assert (framing.over, framing.open_ended) == (False, True)


@pytest.mark.parametrize("wire", [b"\r\n", b"hello\r\n", b"-1\r\n", b"5\r\nhelloworld\r\n", b"1" * 65_537])
def test_broken_chunks_are_refused(wire: bytes) -> None:
    with pytest.raises(ValueError, match=r"line|size|invalid literal"):
        heard(Chunked(), [wire])


def test_a_chunk_of_a_size_that_is_padded_is_read_as_http_client_reads_it() -> None:
    assert heard(Chunked(), [b" 0x5 ; a=b\nhello\r\n0000\r\n\r\n"]) == b"hello"
