"""What of the bytes behind an HTTP/1.1 head is body, and where it ends (RFC 9112 §6.3 and §7.1). No I/O."""

from collections.abc import Iterator
from typing import Protocol


class Framing(Protocol):
    """How the end of one body is told."""

    over: bool
    """Whether the body has ended."""
    open_ended: bool
    """Whether the body ends where the connection does."""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield what is body of the next bytes.

        Raises:
            ValueError: the framing is broken.
        """
        ...


class Sized:
    """A body of so many bytes."""

    open_ended = False

    def __init__(self, length: int) -> None:
        self._left = length
        self.over = length == 0

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield all of them."""
        self._left -= len(data)
        self.over = self._left <= 0
        yield data


class Unsized:
    """A body that lasts as long as its connection."""

    open_ended = True
    over = False

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield all of them."""
        yield data


_CRLF = 2
"""Bytes behind the data of a chunk."""
_LONGEST_LINE = 65536
"""Bytes of a line; `http.client` and urllib3 refuse a longer one too."""


class Chunked:
    """A body in chunks, each behind a line with its size in hex; the last is of size 0, and may have trailers."""

    def __init__(self) -> None:
        self.over = False
        self.open_ended = False  # until the last chunk: http.client lets the connection end instead of the trailers
        self._left = 0
        self._line = b""

    def pieces(self, data: bytes) -> Iterator[bytes]:
        """Yield the data of the chunks."""
        while data and not self.over:
            if self._left:
                taken, data = data[: self._left], data[self._left :]
                if piece := taken[: max(0, self._left - _CRLF)]:
                    yield piece
                self._left -= len(taken)
            else:
                line, end, data = data.partition(b"\n")
                self._line += line + end
                if len(self._line) > _LONGEST_LINE:
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
        self._left = size + _CRLF if size else 0
        self.open_ended = size == 0
