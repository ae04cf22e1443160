"""Undoing a body's content encoding as it passes, with what is installed, as the client libraries do it.

What they do not know they hand on as it is, and so does this. It comes out in pieces of bounded size, so that a small
body that inflates to a huge one is never held whole.
"""

import zlib
from collections.abc import Callable, Iterator
from functools import partial
from importlib import import_module
from typing import Any

PIECE = 1024 * 1024
"""Bytes that come out at a time, where the decompressor can be told."""

Decode = Callable[[bytes], Iterator[bytes]]


def decoder(encodings: str) -> Decode | None:
    """Return what undoes `Content-Encoding`; `None` when there is nothing to undo, or nothing that can be undone."""
    names = [name.strip().lower() for name in encodings.split(",")]
    steps = [step() for name in reversed(names) if (step := _STEPS.get(name)) is not None]
    known = [step for step in steps if step is not None]
    return _chain(known) if known else None


def _chain(steps: list[Decode]) -> Decode:
    first, *rest = steps
    if not rest:
        return first
    then = _chain(rest)
    return lambda chunk: (piece for middle in first(chunk) for piece in then(middle))


def _inflate(bits: int) -> Decode:
    decompressor = zlib.decompressobj(bits)

    def decode(chunk: bytes) -> Iterator[bytes]:
        piece = decompressor.decompress(chunk, PIECE)
        while piece:
            yield piece
            piece = decompressor.decompress(decompressor.unconsumed_tail, PIECE)

    return decode


def _deflate() -> Decode:
    """`deflate` should be zlib's format (RFC 9110 §8.4.1.2); some servers send the bare one."""
    chosen: list[Decode] = []

    def decode(chunk: bytes) -> Iterator[bytes]:
        if not chosen:
            chosen.append(_inflate(zlib.MAX_WBITS if _is_zlib(chunk) else -zlib.MAX_WBITS))
        return chosen[0](chunk)

    return decode


def _is_zlib(chunk: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(chunk, 1)
    except zlib.error:
        return False
    return True


def _brotli() -> Decode | None:
    module = _first("brotli", "brotlicffi")
    if module is None:
        return None
    decompressor = module.Decompressor()
    process = getattr(decompressor, "decompress", None) or decompressor.process

    def decode(chunk: bytes) -> Iterator[bytes]:
        try:
            piece = process(chunk, output_buffer_limit=PIECE)
        except TypeError:  # before 1.2 there is no limit
            yield process(chunk)
            return
        while piece:
            yield piece
            piece = process(b"", output_buffer_limit=PIECE)

    return decode


def _zstandard() -> Decode | None:
    """A body may be several frames in a row, and a decompressor reads one (RFC 8878 §3)."""
    module = _first("compression.zstd", "backports.zstd", "zstandard")
    if module is None:
        return None
    bounded = module.__name__ != "zstandard"
    start = module.ZstdDecompressor if bounded else lambda: module.ZstdDecompressor().decompressobj()
    frame: list[Any] = [start()]

    def decode(chunk: bytes) -> Iterator[bytes]:
        while chunk:
            if frame[0].eof:
                frame[0] = start()
            decompress = partial(frame[0].decompress, max_length=PIECE) if bounded else frame[0].decompress
            piece = decompress(chunk)
            while piece:
                yield piece
                piece = decompress(b"") if bounded and not frame[0].eof else b""
            chunk = frame[0].unused_data if frame[0].eof else b""

    return decode


def _first(*modules: str) -> Any:
    for name in modules:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_STEPS: dict[str, Callable[[], Decode | None]] = {
    "gzip": partial(_inflate, zlib.MAX_WBITS | 16),
    "x-gzip": partial(_inflate, zlib.MAX_WBITS | 16),
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstandard,
}
