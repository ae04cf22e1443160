"""Undoing a body's content encoding as it passes, with what is installed: a client asks for nothing else."""

import zlib
from collections.abc import Callable
from importlib import import_module
from typing import Any

Decode = Callable[[bytes], bytes]


def decoder(encodings: str) -> Decode | None:
    """Return what undoes `Content-Encoding`; `None` when there is nothing to undo. Unknown encodings give nothing."""
    names = [name.strip().lower() for name in encodings.split(",")]
    steps = [_STEPS.get(name, _unreadable)() for name in reversed(names) if name not in ("", "identity")]
    if len(steps) <= 1:
        return steps[0] if steps else None

    def decode(chunk: bytes) -> bytes:
        for step in steps:
            chunk = step(chunk)
        return chunk

    return decode


def _gzip() -> Decode:
    return zlib.decompressobj(zlib.MAX_WBITS | 16).decompress


def _deflate() -> Decode:
    """`deflate` should be zlib's format (RFC 9110 §8.4.1.2); some servers send the bare one."""
    chosen: list[Any] = []

    def decode(chunk: bytes) -> bytes:
        if chosen:
            return chosen[0].decompress(chunk)  # type: ignore[no-any-return]
        for bits in (zlib.MAX_WBITS, -zlib.MAX_WBITS):
            attempt = zlib.decompressobj(bits)
            try:
                decoded = attempt.decompress(chunk)
            except zlib.error:
                continue
            chosen.append(attempt)
            return decoded
        return b""

    return decode


def _brotli() -> Decode:
    for name in ("brotli", "brotlicffi"):
        try:
            decompressor = import_module(name).Decompressor()
        except ImportError:
            continue
        return getattr(decompressor, "decompress", None) or decompressor.process  # type: ignore[no-any-return]
    return _unreadable()


def _zstandard() -> Decode:
    for name, kind in (("compression.zstd", "ZstdDecompressor"), ("zstandard", "ZstdDecompressor")):
        try:
            decompressor = getattr(import_module(name), kind)()
        except ImportError:
            continue
        if name == "zstandard":
            decompressor = decompressor.decompressobj()
        return decompressor.decompress  # type: ignore[no-any-return]
    return _unreadable()


def _unreadable() -> Decode:
    return lambda _chunk: b""


_STEPS: dict[str, Callable[[], Decode]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstandard,
}
