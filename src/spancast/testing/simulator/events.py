"""Server-sent events, as OpenRouter writes them."""

from collections.abc import Iterable
from typing import Any

import msgspec

from spancast.testing.simulator.pieces import Piece

DONE = b"data: [DONE]\n\n"


def event(data: dict[str, Any], name: str = "") -> bytes:
    """Return an event; most have no name."""
    written = b"data: " + msgspec.json.encode(data) + b"\n\n"
    return f"event: {name}\n".encode() + written if name else written


def stream(said: Iterable[bytes], settling: bytes, after: Iterable[bytes] = ()) -> tuple[Piece, ...]:
    """Return events as network pieces, one each; the generation is billed before the `settling` one."""
    return (*map(Piece, said), Piece(settling, settles=True), *map(Piece, after))
