"""The framing of an HTTP/1.1 body: which bytes are body, and where it ends (RFC 9112 §6.3 and §7.1). No I/O."""

from collections.abc import Callable
from itertools import repeat
from typing import Protocol

Feed = Callable[[bytes], None]
"""Receives a piece of the body."""


class Framing(Protocol):
    """Finds the end of one body."""

    over: bool
    """Whether the body has ended."""
    open_ended: bool
    """Whether the body ends where the connection does."""

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed the part of the next bytes that is body.

        Raises:
            ValueError: the framing is broken.
        """
        ...


class Sized:
    """A body of known length."""

    open_ended = False

    def __init__(self, length: int) -> None:
        self._remaining = length
        self.over = length == 0

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed the bytes up to the length."""
        piece = data[: self._remaining]
        self._remaining -= len(piece)
        self.over = self._remaining == 0
        if piece:
            feed(piece)


class Unsized:
    """A body that ends with its connection."""

    open_ended = True
    over = False

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed all bytes."""
        feed(data)


_CRLF = b"\r\n"
_MAX_LINE_BYTES = 65536
"""`http.client` and urllib3 refuse a longer line too."""


class Chunked:
    """A chunked body: each chunk follows a line with its size in hex; the last has size 0, and may have trailers."""

    def __init__(self) -> None:
        self.over = False
        self.open_ended = False  # until the last chunk: http.client lets the connection end instead of the trailers
        self._remaining = 0  # bytes of the current chunk, and of the CRLF behind it
        self._line = b""

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed the data of the chunks."""
        try_together = True
        while data and not self.over:
            if remaining := self._remaining:
                if piece := data[: max(0, remaining - len(_CRLF))]:
                    feed(piece)
                self._remaining = max(0, remaining - len(data))
                data = data[remaining:]
            elif try_together and not self._line and not self.open_ended:
                try_together = False  # one pass over all of them is enough
                data = _whole_chunks(data, feed)
            else:
                line, end, data = data.partition(b"\n")
                self._line += line + end
                if len(self._line) > _MAX_LINE_BYTES:
                    raise ValueError("A line is too long.")
                if end:
                    self._read_line()

    def _read_line(self) -> None:
        line, self._line = self._line, b""
        if self.open_ended:
            self.over = not line.strip()
            return
        size = int(line.partition(b";")[0], 16)
        if size < 0:
            raise ValueError("A chunk has a negative size.")
        self.open_ended = size == 0
        if size:
            self._remaining = size + len(_CRLF)


def _whole_chunks(data: bytes, feed: Feed) -> bytes:
    """Feed the whole chunks at the start of `data` if all have the usual form, and return the rest.

    In that form a chunk's line is nothing but its size, and its data holds no CRLF: every other line is data of the
    length that the line before it states. Parsing chunk by chunk costs more than everything else done with them. If one
    chunk has another form, none is fed.
    """
    lines = data.split(_CRLF)
    end = (len(lines) - 1) & ~1  # the last line is incomplete, and so is the data behind a size without a partner
    if end and not lines[end - 1]:
        end -= 2  # a chunk of size 0, the end of the body
    sizes, chunks = lines[:end:2], lines[1:end:2]
    try:
        well_formed = all(chunks) and list(map(int, sizes, repeat(16))) == list(map(len, chunks))
    except ValueError:  # a line with a chunk extension
        return data
    if not chunks or not well_formed:
        return data
    feed(b"".join(chunks))
    return _CRLF.join(lines[end:])
