"""Undoing a body's content encoding as it passes."""

import gzip
import sys
import tracemalloc
import zlib
from collections.abc import Callable, Iterable
from functools import partial

import brotli
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from spancast.capture.body.content_encoding import MAX_ENCODINGS, PIECE, decoder

BODY = b'{"id":"gen-1","usage":{"cost":0.1}}' * 100


def deflated(body: bytes) -> bytes:
    return zlib.compress(body)


def raw_deflated(body: bytes) -> bytes:
    compressor = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


ENCODERS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": deflated,
    "Deflate": raw_deflated,
    "br": partial(brotli.compress, quality=5),
    "ZSTD": zstandard.ZstdCompressor().compress,
}
"""By a spelling of the encoding's name; `Deflate` is what some servers mean by it."""


def decoded(encodings: str, chunks: Iterable[bytes]) -> bytes:
    decode = decoder(encodings)
    assert decode is not None
    return b"".join(piece for chunk in chunks for piece in decode(chunk))


def in_pieces(body: bytes, size: int) -> list[bytes]:
    return [body[at : at + size] for at in range(0, len(body), size)]


@pytest.mark.parametrize("size", [1, 7, 100_000])
@pytest.mark.parametrize("name", ENCODERS)
def test_a_body_comes_out_as_it_was(name: str, size: int) -> None:
    assert decoded(name, in_pieces(ENCODERS[name](BODY), size)) == BODY


@pytest.mark.parametrize("size", [1, 100_000])
@pytest.mark.parametrize("name", ["gzip", "ZSTD"])
def test_a_body_may_be_several_members_or_frames(name: str, size: int) -> None:
    encode = ENCODERS[name]
    assert decoded(name, in_pieces(encode(BODY) + encode(b"") + encode(b"more"), size)) == BODY + b"more"


def test_what_comes_behind_a_gzip_member_and_is_none_is_let_go() -> None:
    assert decoded("gzip", [gzip.compress(BODY) + b"\0\0\0", b"rest"]) == BODY


def test_encodings_are_undone_in_the_order_in_which_they_were_done() -> None:
    assert decoded(" br , gzip", in_pieces(gzip.compress(brotli.compress(BODY)), 11)) == BODY


@pytest.mark.parametrize("encodings", ["", "identity", "compress", "gzipped", ",", "aws-chunked"])
def test_what_is_not_known_is_left_as_it_is(encodings: str) -> None:
    assert decoder(encodings) is None


def test_what_is_not_known_is_passed_over_among_others() -> None:
    assert decoded("identity, gzip", [gzip.compress(BODY)]) == BODY


def test_a_body_under_too_many_encodings_is_not_read() -> None:
    assert decoder(",".join(["gzip"] * MAX_ENCODINGS)) is not None
    assert decoder(",".join(["gzip"] * (MAX_ENCODINGS + 1))) is None


@pytest.mark.parametrize("name", ENCODERS)
def test_a_damaged_body_raises_and_a_cut_one_gives_what_there_was(name: str) -> None:
    whole = ENCODERS[name](BODY)
    with pytest.raises(Exception):  # noqa: B017, PT011 - each library has its own, and the exchange takes any
        decoded(name, [b"\xff" + b"no such thing" * 9])
    assert BODY.startswith(decoded(name, [whole[:-5]]))


@given(st.sampled_from(sorted(ENCODERS)), st.integers(0), st.binary(min_size=1, max_size=4))
def test_a_body_damaged_anywhere_gives_bytes_or_raises_an_exception(name: str, at: int, damage: bytes) -> None:
    whole = ENCODERS[name](BODY)
    at %= len(whole)
    try:
        decoded(name, [whole[:at] + damage + whole[at + len(damage) :]])
    except Exception as error:  # noqa: BLE001 - each library has its own
        assert not isinstance(error, (MemoryError, RecursionError))  # noqa: PT017 - the kind is what is asked


@pytest.mark.parametrize("name", ENCODERS)
def test_a_bomb_comes_out_in_pieces_of_bounded_size(name: str) -> None:
    size = 32 * PIECE
    bomb = ENCODERS[name](bytes(size))
    decode = decoder(name)
    assert decode is not None
    tracemalloc.start()
    try:
        came = 0
        for chunk in in_pieces(bomb, 65536):
            for piece in decode(chunk):
                came += len(piece)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert came == size
    assert peak < 8 * PIECE


def test_a_bomb_within_a_bomb_comes_out_in_pieces_of_bounded_size() -> None:
    decode = decoder("gzip, gzip, gzip")
    assert decode is not None
    bomb = gzip.compress(gzip.compress(gzip.compress(bytes(32 * PIECE))))
    assert max(map(len, decode(bomb))) <= PIECE


def test_what_is_not_installed_is_not_undone(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("brotli", "brotlicffi", "compression.zstd", "backports.zstd", "zstandard"):
        monkeypatch.setitem(sys.modules, module, None)
    assert decoder("br") is None
    assert decoder("zstd") is None
    assert decoded("gzip", [gzip.compress(BODY)]) == BODY
