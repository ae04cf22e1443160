"""The pieces in which a body is sent, and functions that truncate, compress and resize them."""

import zlib
from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

Size = Literal["event", "whole"] | int
_GZIP = 16 + zlib.MAX_WBITS


class Piece(msgspec.Struct, frozen=True):
    """Bytes that are sent at once."""

    data: bytes
    settles: bool = False
    """Whether the generation is billed right before these bytes, so that a client that has read them finds the bill."""
    wait: float = 0.0
    """Seconds of silence before them."""


def compressed(pieces: Iterable[Piece], *, ended: bool = True) -> tuple[Piece, ...]:
    """Return the pieces compressed as one gzip stream that is flushed after each piece.

    `ended`: whether the end of the stream is written; it is not if the connection is dropped.
    """
    compressor = zlib.compressobj(wbits=_GZIP)
    flushed = [
        msgspec.structs.replace(piece, data=compressor.compress(piece.data) + compressor.flush(zlib.Z_SYNC_FLUSH))
        for piece in pieces
    ]
    return (*flushed, Piece(compressor.flush())) if ended else tuple(flushed)


def resized(pieces: tuple[Piece, ...], size: Size) -> tuple[Piece, ...]:
    """Return the same bytes in pieces of `size`: unchanged, one piece, or a number of bytes."""
    if size == "event":
        return pieces
    if size == "whole":
        return (_joined(pieces),)
    return tuple(_sliced(pieces, size))


def half(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Return the first half of the bytes; the generation is billed before them."""
    room = sum(len(piece.data) for piece in pieces) // 2
    kept: list[Piece] = []
    for piece in pieces:
        kept.append(msgspec.structs.replace(piece, data=piece.data[:room], settles=not kept))
        room -= len(piece.data)
        if room <= 0:
            break
    return tuple(kept)


def _joined(pieces: tuple[Piece, ...]) -> Piece:
    return Piece(
        b"".join(piece.data for piece in pieces),
        settles=any(piece.settles for piece in pieces),
        wait=sum(piece.wait for piece in pieces),
    )


def _sliced(pieces: tuple[Piece, ...], size: int) -> Iterator[Piece]:
    """Yield slices of `size` bytes, each with `settles` and the waits of the pieces that begin in it."""
    held: list[Piece] = []
    room = size
    for piece in pieces:
        rest = piece
        while len(rest.data) >= room:
            yield _joined((*held, msgspec.structs.replace(rest, data=rest.data[:room])))
            rest = Piece(rest.data[room:])
            held, room = [], size
        if rest.data:
            held.append(rest)
            room -= len(rest.data)
    if held:
        yield _joined(tuple(held))
