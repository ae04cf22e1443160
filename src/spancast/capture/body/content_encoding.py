"""Decodes the content encoding of a body as it passes, with the decompressors that are installed.

Like the client libraries, it passes unknown encodings through. The output comes in pieces of bounded size, so that a
small body that inflates to a huge one is never held whole.
"""

import zlib
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

PIECE = 1024 * 1024
"""The most bytes that come out at a time, where the decompressor takes a limit."""

MAX_ENCODINGS = 5
"""The most encodings on top of each other; a body with more is not read. curl has the same limit."""

Decode = Callable[[bytes], Iterator[bytes]]


def decoder(encodings: str) -> Decode | None:
    """Return what decodes a `Content-Encoding`; `None` where there is none, or none that can be decoded."""
    if not encodings:
        return None
    names = [name.strip().lower() for name in encodings.split(",")]
    steps = [step() for name in reversed(names) if (step := _STEPS.get(name)) is not None]
    known = [step for step in steps if step is not None]
    return _chain(known) if 0 < len(known) <= MAX_ENCODINGS else None


def _chain(steps: list[Decode]) -> Decode:
    first, *rest = steps
    if not rest:
        return first
    then = _chain(rest)
    return lambda chunk: (piece for middle in first(chunk) for piece in then(middle))


def _gzip() -> Decode:
    """A body may be several members in a row; anything else after one is ignored (RFC 1952 §2.2)."""
    member, first = zlib.decompressobj(_GZIP), True
    is_over = False

    def decode(chunk: bytes) -> Iterator[bytes]:
        nonlocal member, first, is_over
        while chunk and not is_over:
            try:
                yield from _inflated(member, chunk)
            except zlib.error:
                if first:
                    raise
                is_over = True
            if not member.eof:
                return
            chunk, member, first = member.unused_data, zlib.decompressobj(_GZIP), False

    return decode


def _deflate() -> Decode:
    """`deflate` should be zlib's format (RFC 9110 §8.4.1.2); some servers send raw deflate."""
    decompressor: Any = None
    head = b""

    def decode(chunk: bytes) -> Iterator[bytes]:
        nonlocal decompressor, head
        if decompressor is None:
            chunk = head = head + chunk
            if len(head) < _HEAD:
                return
            decompressor = zlib.decompressobj(zlib.MAX_WBITS if _is_zlib(head[:_HEAD]) else -zlib.MAX_WBITS)
            head = b""
        if not decompressor.eof:  # it would buffer what follows its end
            yield from _inflated(decompressor, chunk)

    return decode


_GZIP = zlib.MAX_WBITS | 16
_HEAD = 2
"""Bytes that distinguish zlib's format from raw deflate (RFC 1950 §2.2)."""


def _is_zlib(head: bytes) -> bool:
    try:
        zlib.decompressobj().decompress(head)
    except zlib.error:
        return False
    return True


def _inflated(decompressor: Any, chunk: bytes) -> Iterator[bytes]:
    piece = decompressor.decompress(chunk, PIECE)
    while piece:
        yield piece
        piece = decompressor.decompress(decompressor.unconsumed_tail, PIECE)


def _brotli() -> Decode | None:
    module = _first("brotli", "brotlicffi")
    if module is None:
        return None
    decompressor = module.Decompressor()
    process = getattr(decompressor, "decompress", None) or decompressor.process

    def decode(chunk: bytes) -> Iterator[bytes]:
        try:
            piece = process(chunk, output_buffer_limit=PIECE)
        except TypeError:  # versions before 1.2 take no limit
            yield process(chunk)
            return
        while piece:
            yield piece
            piece = process(b"", output_buffer_limit=PIECE)

    return decode


def _zstandard() -> Decode | None:
    module = _first("compression.zstd", "backports.zstd", "zstandard")
    if module is None:
        return None
    if module.__name__ != "zstandard":
        return _frames(module.ZstdDecompressor, _limited)
    decode = _frames(lambda: module.ZstdDecompressor().decompressobj(), _unlimited)
    return lambda chunk: (piece for at in range(0, len(chunk), _SLICE) for piece in decode(chunk[at : at + _SLICE]))


_SLICE = PIECE // (128 * 1024) * 4
"""Bytes of input for a decompressor without a limit: four of them may be a block of 128 KiB (RFC 8878 §3.1.1.2)."""


def _frames(start: Callable[[], Any], inflated: Callable[[Any, bytes], Iterator[bytes]]) -> Decode:
    """A body may be several frames in a row, and a decompressor reads one (RFC 8878 §3)."""
    frame = start()

    def decode(chunk: bytes) -> Iterator[bytes]:
        nonlocal frame
        while chunk:
            if frame.eof:
                frame = start()
            yield from inflated(frame, chunk)
            chunk = frame.unused_data if frame.eof else b""

    return decode


def _limited(frame: Any, chunk: bytes) -> Iterator[bytes]:
    piece = frame.decompress(chunk, PIECE)
    while piece:
        yield piece
        piece = b"" if frame.eof else frame.decompress(b"", PIECE)


def _unlimited(frame: Any, chunk: bytes) -> Iterator[bytes]:
    if piece := frame.decompress(chunk):
        yield piece


def _first(*modules: str) -> Any:
    for name in modules:
        try:
            return import_module(name)
        except ImportError:
            continue
    return None


_STEPS: dict[str, Callable[[], Decode | None]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstandard,
}
