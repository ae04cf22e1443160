"""What of the bytes behind an HTTP/1.1 head is body, and where it ends (RFC 9112 §6.3 and §7.1). No I/O."""

import sys
from collections.abc import Callable
from typing import Protocol

Feed = Callable[[bytes], None]
"""Takes a piece of the body."""


class Framing(Protocol):
    """How the end of one body is told."""

    left: int
    """How many bytes come, of which all but the last two are body, before there is more to be told from them.

    Who reads no more of them may hand them on, and count them off.
    """
    gap: int | None
    """How much is `left` where what was read last, if it was two bytes, was no body; `None` where it always is."""
    over: bool
    """Whether the body has ended."""
    open_ended: bool
    """Whether the body ends where the connection does."""

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed what is body of the next bytes.

        Raises:
            ValueError: the framing is broken.
        """
        ...

    def begins(self, line: bytes) -> bool:
        """Take a whole line that begins a chunk; return whether it was one, and is taken."""
        ...


class _Plain:
    """A body as it is."""

    gap: int | None = None

    def begins(self, line: bytes) -> bool:  # noqa: ARG002 - the protocol's
        """Take none: there are no chunks."""
        return False


class Sized(_Plain):
    """A body of so many bytes."""

    open_ended = False

    def __init__(self, length: int) -> None:
        self.left = length + 1  # with the last byte the end is to be told
        self.over = length == 0

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed all of them."""
        self.left -= len(data)
        self.over = self.left <= 1
        feed(data)


class Unsized(_Plain):
    """A body that lasts as long as its connection."""

    open_ended = True
    over = False
    left = sys.maxsize

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed all of them."""
        feed(data)


CRLF = 2
"""Bytes behind the data of a chunk."""
_LONGEST_LINE = 65536
"""Bytes of a line; `http.client` and urllib3 refuse a longer one too."""


class Chunked:
    """A body in chunks, each behind a line with its size in hex; the last is of size 0, and may have trailers."""

    gap: int | None = 0

    def __init__(self) -> None:
        self.left = 0  # -1 in the midst of a line, and in the trailers
        self.over = False
        self.open_ended = False  # until the last chunk: http.client lets the connection end instead of the trailers
        self._line = b""

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed the data of the chunks."""
        while data and not self.over:
            left = self.left
            if left > 0:
                if piece := data[: max(0, left - CRLF)]:
                    feed(piece)
                self.left = max(0, left - len(data))
                data = data[left:]
            else:
                line, end, data = data.partition(b"\n")
                self._line += line + end
                self.left = -1
                if len(self._line) > _LONGEST_LINE:
                    raise ValueError("A line is too long.")
                if end:
                    self._read_line()

    def begins(self, line: bytes) -> bool:
        """Take the line before a chunk in the form in which it mostly comes."""
        if self.left or line[-1:] != b"\n":
            return False
        try:
            size = int(line, 16)
        except ValueError:
            return False
        if size < 1:
            return False
        self.left = size + CRLF
        return True

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
            self.left = size + CRLF
