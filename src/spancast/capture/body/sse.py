"""Server-sent events, split anywhere by the network (WHATWG HTML, server-sent events)."""

import re
from collections.abc import Iterator

from spancast.capture.body.bulk import without_bulk
from spancast.capture.body.ends import Ends

MAX_EVENT = 4 * 1024 * 1024
"""Bytes buffered of one unfinished event, so that a stream takes bounded memory.

A longer event loses its images and audio while it passes; of one that is too long without them only the ends are read.
"""

BOM = b"\xef\xbb\xbf"
"""The byte order mark that may precede the first event."""
_FIRST_FIELD = re.compile(rb"(?:" + BOM + rb")?\s*(?:data|event|id|retry)?:")


class Blocks:
    """Buffers chunks, and returns the complete events among them as one block; the rest waits for more."""

    __slots__ = ("_long", "_started", "chunks", "skipped")

    def __init__(self) -> None:
        self.chunks: list[bytes] = []
        """The rest of the last `pop`, and the chunks since then."""
        self.skipped = False
        """Whether an event was too long to be buffered whole."""
        self._long: Ends | None = None
        self._started = False

    def pop(self, *, last: bool = False) -> bytes:
        """Return the complete events, with line feeds only; with `last`, the rest counts as one too."""
        data = self._joined(last=last)
        if self._long is not None:
            data = self._after_long(self._long, data, last=last)
        end = len(data) if last else data.rfind(b"\n\n") + 2
        if end < 2:  # noqa: PLR2004 - none was found
            block, rest = b"", data
        else:
            block, rest = data[:end], data[end:]
        self._keep(rest)
        return block

    def _joined(self, *, last: bool) -> bytes:
        data = b"".join(self.chunks)
        if not self._started and (last or not BOM.startswith(data)):
            data, self._started = data.removeprefix(BOM), True
        if b"\r" not in data:
            return data
        whole = data if last or not data.endswith(b"\r") else data[:-1]
        lines = normal(whole)
        return lines if whole is data else lines + b"\r"

    def _after_long(self, long: Ends, data: bytes, *, last: bool) -> bytes:
        """Return what an event that is too long states, and what follows it, once it has passed."""
        end = data.find(b"\n\n")
        if end < 0 and not last:
            long.feed(data[:-_CUT])
            return data[-_CUT:]
        long.feed(data if end < 0 else data[:end])
        self._long = None
        states = b"".join(b"data: " + each + b"\n\n" for each in long.objects())
        return states + (b"" if end < 0 else data[end + 2 :])

    def _keep(self, rest: bytes) -> None:
        if self._long is None and len(rest) > MAX_EVENT and len(rest := without_bulk(rest)) > MAX_EVENT // 2:
            self._long, self.skipped = Ends(_object(rest[:-_CUT])), True
            rest = rest[-_CUT:]
        self.chunks[:] = [rest] if rest else []


_CUT = 3
"""Bytes at the end of a chunk that may be the beginning of an event's end."""


def _object(event: bytes) -> bytes:
    """Return the object that an event holds, without the name of its field."""
    return event[max(0, event.find(b"{")) :]


def before_the_last(block: bytes, events: int) -> bytes:
    """Return a block of complete events without the last ones; it is empty where there are no others."""
    end = len(block)
    for _ in range(events + 1):
        end = block.rfind(b"\n\n", 0, end)
        if end < 0:
            return b""
    return block[: end + 2]


def before_an_object(block: bytes) -> tuple[bytes, bytes]:
    """Return the events before a JSON object that stands in place of an event, and the object, if there is one.

    No line of an event begins like an object: each begins with the name of its field.
    """
    if block.lstrip().startswith(b"{"):
        return b"", block.lstrip().partition(b"\n\n")[0]
    start = block.find(b"\n{") + 1
    return (block[:start], block[start:].partition(b"\n\n")[0]) if start else (block, b"")


def is_stream(body: bytes) -> bool:
    """Whether a body begins like an event, as no JSON does."""
    return _FIRST_FIELD.match(body) is not None


def normal(body: bytes) -> bytes:
    """Return events with line feeds only."""
    return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def payloads(block: bytes) -> Iterator[bytes]:
    """Yield the data of each event of a block that has any; comments and other fields are not data."""
    if b"data:" not in block:
        return
    for event in block.split(b"\n\n"):
        if event.startswith(b"data:") and b"\n" not in event:
            data = event[5:].strip()
        elif b"data:" in event:
            lines = (line[5:].removeprefix(b" ") for line in event.split(b"\n") if line.startswith(b"data:"))
            data = b"\n".join(lines).strip()
        else:
            continue
        if data:
            yield data
