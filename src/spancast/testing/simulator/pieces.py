"""The pieces of a body on their way to the network: cut short, compressed, cut anew."""

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
    """The generation is billed before these bytes are sent, so that whoever has read them finds the bill."""
    wait: float = 0.0
    """Seconds of silence before them."""


def compressed(pieces: Iterable[Piece], *, ended: bool = True) -> tuple[Piece, ...]:
    """Return the pieces gzip'd as one stream, flushed after each, so that none waits for the next.

    `ended`: whether the stream's end is written; it is not where the connection is to be dropped.
    """
    compressor = zlib.compressobj(wbits=_GZIP)
    flushed = [
        msgspec.structs.replace(piece, data=compressor.compress(piece.data) + compressor.flush(zlib.Z_SYNC_FLUSH))
        for piece in pieces
    ]
    return (*flushed, Piece(compressor.flush())) if ended else tuple(flushed)


def resized(pieces: tuple[Piece, ...], size: Size) -> tuple[Piece, ...]:
    """Return the same bytes in pieces of `size`: as they are, all at once, or so many bytes, cut anywhere."""
    if size == "event":
        return pieces
    if size == "whole":
        return (_joined(pieces),)
    return tuple(_sliced(pieces, size))


def half(pieces: tuple[Piece, ...]) -> tuple[Piece, ...]:
    """Return the first half of the bytes, the generation settled before any of them."""
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
    """Yield slices of `size` bytes; each takes over the settling and the silences of the pieces that begin in it."""
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
