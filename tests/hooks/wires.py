"""Answers as they lie on the wire: one body in every framing of HTTP/1.1, and framings that are broken."""

import gzip
import zlib
from collections.abc import Mapping

from tests.support.answers import COMMENT, JSON, SSE, STREAM, plain

EVENTS = b"".join(STREAM)
PLAIN = b"\n         \n" + plain()


def head(status: int = 200, **headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", "Date: Wed, 25 Nov 2026 12:00:00 GMT"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n"


def sized(body: bytes, kind: Mapping[str, str] = JSON, **headers: str) -> bytes:
    return head(**kind, **headers, content_length=str(len(body))) + body


def unsized(body: bytes, kind: Mapping[str, str] = JSON, **headers: str) -> bytes:
    return head(**kind, **headers, connection="close") + body


def chunked(
    body: bytes, kind: Mapping[str, str] = JSON, *, size: int = 50, trailers: bytes = b"", **headers: str
) -> bytes:
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    framed = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces)
    return head(**kind, **headers, transfer_encoding="chunked") + framed + b"0\r\n" + trailers + b"\r\n"


def deflated(body: bytes) -> bytes:
    bare = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return bare.compress(body) + bare.flush()


WHOLE = {
    "sized": sized(PLAIN),
    "sized events": sized(EVENTS, SSE),
    "unsized": unsized(PLAIN),
    "unsized events": unsized(EVENTS, SSE),
    "chunked": chunked(PLAIN),
    "chunked events": chunked(EVENTS, SSE),
    "one byte a chunk": chunked(PLAIN, size=1),
    "trailers": chunked(PLAIN, trailers=b"X-One: 1\r\nX-Two: 2\r\n"),
    "extensions": chunked(PLAIN).replace(b"32\r\n", b"0032;why=not\r\n", 3),
    "no trailers at all": chunked(PLAIN).removesuffix(b"\r\n"),
    "behind a continue": b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n" + sized(PLAIN),
    "gzip": sized(gzip.compress(PLAIN), content_encoding="gzip"),
    "gzipped chunks": chunked(gzip.compress(EVENTS), SSE, content_encoding="gzip"),
    "deflate": sized(deflated(PLAIN), content_encoding="deflate"),
    "twice": chunked(gzip.compress(zlib.compress(PLAIN)), content_encoding="deflate, gzip"),
    "unknown encoding": sized(PLAIN, content_encoding="utf-8"),
    "HTTP/1.0": unsized(PLAIN).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
}
"""All of them come to the same Call, to those who can undo the encoding."""

BROKEN = {
    "too short": sized(PLAIN)[:-20],
    "no body": sized(PLAIN)[: -len(PLAIN)],
    "cut in a chunk": chunked(PLAIN)[:-60],
    "cut between chunks": head(**JSON, transfer_encoding="chunked") + b"5\r\nhello\r\n",
    "cut before any chunk": head(**JSON, transfer_encoding="chunked"),
    "cut in a size": head(**JSON, transfer_encoding="chunked") + b"5\r\nhello\r\n1",
    "no size": head(**JSON, transfer_encoding="chunked") + b"5\r\nhello\r\nworld\r\n\r\n",
    "a negative size": head(**JSON, transfer_encoding="chunked") + b"5\r\nhello\r\n-5\r\nworld\r\n0\r\n\r\n",
    "cut in the head": head(**JSON)[:-10],
    "no gzip": sized(PLAIN, content_encoding="gzip"),
    "half a gzip": chunked(gzip.compress(EVENTS)[:100], SSE, content_encoding="gzip"),
    "not a word": unsized(b""),
    "a comment only": chunked(COMMENT, SSE),
    "an endless size": head(**JSON, transfer_encoding="chunked") + b"5" * 70_000,
}

BEHEADED = {
    "nothing": b"",
    "no HTTP": b"220 smtp.example ESMTP\r\n\r\n",
    "no status": b"HTTP/1.1 OK\r\n\r\n",
    "an endless line": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000,
}

UNFINISHED = chunked(PLAIN).removesuffix(b"0\r\n\r\n")
"""All of an answer is there but for the end of its framing."""
ANOTHER_NAME = sized(gzip.compress(PLAIN), content_encoding="x-gzip")
"""An encoding by a name that most clients do not know, and so leave as it is (RFC 9110 §8.4.1.3)."""
TWICE = sized(PLAIN).replace(
    b"\r\n", b"\r\n" + 2 * b"X-Generation-Id: gen-h\r\nX-OpenRouter-Cache-Status: MISS\r\nRetry-After: 2\r\n", 1
)
"""Every header of OpenRouter's comes two times."""
