"""What of the bytes behind an HTTP/1.1 head is body, and where it ends (RFC 9112 §6.3 and §7.1). No I/O."""

from collections.abc import Callable
from itertools import repeat
from typing import Protocol

Feed = Callable[[bytes], None]
"""Takes a piece of the body."""


class Framing(Protocol):
    """How the end of one body is told."""

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


class Sized:
    """A body of so many bytes."""

    open_ended = False

    def __init__(self, length: int) -> None:
        self._left = length
        self.over = length == 0

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed all that belongs to it."""
        piece = data[: self._left]
        self._left -= len(piece)
        self.over = self._left == 0
        if piece:
            feed(piece)


class Unsized:
    """A body that lasts as long as its connection."""

    open_ended = True
    over = False

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed all of them."""
        feed(data)


_CRLF = b"\r\n"
_LONGEST_LINE = 65536
"""Bytes of a line; `http.client` and urllib3 refuse a longer one too."""


class Chunked:
    """A body in chunks, each behind a line with its size in hex; the last is of size 0, and may have trailers."""

    def __init__(self) -> None:
        self.over = False
        self.open_ended = False  # until the last chunk: http.client lets the connection end instead of the trailers
        self._left = 0  # of the chunk that has begun, and of what ends it
        self._line = b""

    def take(self, data: bytes, feed: Feed) -> None:
        """Feed the data of the chunks."""
        together = True
        while data and not self.over:
            if left := self._left:
                if piece := data[: max(0, left - len(_CRLF))]:
                    feed(piece)
                self._left = max(0, left - len(data))
                data = data[left:]
            elif together and not self._line and not self.open_ended:
                together = False  # one look at all of them is enough
                data = _whole_chunks(data, feed)
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
        self.open_ended = size == 0
        if size:
            self._left = size + len(_CRLF)


def _whole_chunks(data: bytes, feed: Feed) -> bytes:
    """Feed the whole chunks that `data` begins with, in the form in which they mostly come, and return the rest.

    Those have nothing but a size in their line, and no end of a line of HTTP's in their data: then every other line is
    data, as long as the line before it says. To go from chunk to chunk costs more than all else that is done with them.
    Where one chunk is of another form none is taken.
    """
    lines = data.split(_CRLF)
    end = (len(lines) - 1) & ~1  # the last line has not ended, nor has the data behind a size that is left over
    if end and not lines[end - 1]:
        end -= 2  # of size 0, which is the end of the body
    sizes, chunks = lines[:end:2], lines[1:end:2]
    try:
        alike = all(chunks) and list(map(int, sizes, repeat(16))) == list(map(len, chunks))
    except ValueError:  # what else there may be in such a line
        return data
    if not chunks or not alike:
        return data
    feed(b"".join(chunks))
    return _CRLF.join(lines[end:])
