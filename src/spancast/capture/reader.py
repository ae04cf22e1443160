"""The shapes of a body: one JSON object, a stream of events, or no text at all. Fed as bytes pass; they never raise."""

import time
from collections.abc import Callable
from typing import Protocol

from spancast.base import guard
from spancast.capture.alike import Alike
from spancast.capture.bulk import without_bulk
from spancast.capture.dialect import Dialect
from spancast.capture.ends import Ends
from spancast.capture.reading import Reading
from spancast.capture.sse import MAX_EVENT, Blocks, before_an_object, before_the_last, is_stream, payloads


class Reader(Protocol):
    """Reads a decoded body as it passes."""

    first_token_at: int | None
    """`time.perf_counter_ns()` when the first piece of the answer itself passed."""
    done: bool
    """Whether the body's own end mark has passed, whatever the connection does behind it."""

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        ...

    def end(self) -> Reading:
        """Return what was read, the unfinished rest included; nothing is taken any more."""
        ...

    def lacks(self, reading: Reading, *, whole: bool) -> str | None:
        """Return the error type of a body that is no answer; `whole` says whether it was read to its end."""
        ...


class PlainReader:
    """A body of one JSON object, perhaps behind keep-alive padding; it is kept until it is whole.

    Of a long one for a caller who streams it, what is as good as surely an image or a sound is let go on the way.
    Events that come without their content type, as some gateways send them, are read as events.
    """

    MAX = 4 * 1024 * 1024
    """Bytes kept for a caller who streams; a longer body without a sound or an image is known by its two ends alone."""

    first_token_at: int | None = None  # padding comes first: when a plain answer began is not seen

    def __init__(self, dialect: Dialect) -> None:
        self.done = False
        self._dialect = dialect
        self._stream: StreamReader | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._ends: Ends | None = None

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        if self._ends is not None:
            self._ends.feed(chunk)
            return
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self.MAX:
            self._shrink()

    def whole(self, content: bytes) -> None:
        """Take the whole body at once, whatever its length: its caller holds it anyway."""
        self._chunks, self._ends = [content], None

    def end(self) -> Reading:
        """Return what the body states."""
        reading, body = Reading(), b"".join(self._chunks)
        self._chunks.clear()
        if self._ends is not None:
            for each in self._ends.objects():
                self._dialect.take(reading, each)
            return reading
        self._dialect.take(reading, body)
        return self._as_events(body) if not reading.objects and is_stream(body) else reading

    def _as_events(self, body: bytes) -> Reading:
        self._stream = stream = StreamReader(self._dialect, _unasked)
        stream.feed(body)
        reading, self.done = stream.end(), stream.done
        return reading

    def lacks(self, reading: Reading, *, whole: bool) -> str | None:
        """Return `invalid_response` for a whole body that holds no object; of events what a stream lacks."""
        if self._stream is not None:
            return self._stream.lacks(reading, whole=whole)
        return "invalid_response" if whole and not reading.objects and self._ends is None else None

    def _shrink(self) -> None:
        rest = without_bulk(b"".join(self._chunks))
        self._size = len(rest)
        self._chunks = [rest]
        if self._size > self.MAX // 2:
            self._chunks, self._ends = [], Ends(rest)


class OpaqueReader:
    """A body that is no text to read: a sound, or what nobody knows. Nothing of it is kept."""

    done = False

    def __init__(self) -> None:
        self.first_token_at: int | None = None

    def feed(self, chunk: bytes) -> None:
        """Note when the first piece passed."""
        if self.first_token_at is None and chunk:
            self.first_token_at = time.perf_counter_ns()

    def end(self) -> Reading:
        """Return that nothing was read."""
        return Reading()

    def lacks(self, reading: Reading, *, whole: bool) -> str | None:  # noqa: ARG002 - the protocol's
        """Return that nothing can be missed."""
        return None


_BATCH = 16 * 1024
"""Bytes that are looked at together, once nothing is urgent."""
_PATIENCE = 64 * 1024
"""Bytes of an event of many lines that are looked at with every line; beyond, only when they are twice as many."""
_ENDING = 6
"""Events at the end of a stream that are read one by one: the last piece of text, why it ends, the usage, the mark."""
_END_MARKS = (b"[DONE]\n\n", b"[DONE]\r\n\r\n")


class StreamReader:
    """A body of server-sent events.

    Until the first piece of the answer every event is read. From then on chunks are only held, and looked at together:
    what a whole batch of events does not state is found without parsing one of them. One JSON object in their place, as
    an error may come, is read as what it is.
    """

    __slots__ = (
        "_alike",
        "_append",
        "_blocks",
        "_damaged",
        "_dialect",
        "_limit",
        "_on_done",
        "_reading",
        "_size",
        "_spoke",
        "done",
        "first_token_at",
    )

    def __init__(self, dialect: Dialect, on_done: Callable[[], None]) -> None:
        self._dialect = dialect
        self.first_token_at: int | None = None
        self.done = False
        self._blocks = Blocks()
        self._append = self._blocks.held.append
        self._on_done = on_done
        self._spoke = False
        self._size = 0
        self._limit = 0
        self._reading = Reading()
        self._alike = Alike()
        self._damaged = False

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body; the stream's own end mark calls `on_done` before this returns."""
        self._append(chunk)
        self._size = size = self._size + len(chunk)
        # Third from the end of every chunk with which an end mark is whole; a piece of text has "}" there.
        if size > self._limit or chunk[-3:-2] in {b"]", b"\n", b""}:
            self._look(chunk)

    def so_far(self) -> Reading:
        """Return what the whole events that have passed state."""
        self._read(self._blocks.take(), closely=True)
        self._size = sum(map(len, self._blocks.held))
        return self._reading

    @property
    def rest(self) -> bytes:
        """What has passed of an event that is not whole yet, behind `so_far`."""
        return b"".join(self._blocks.held)

    def end(self) -> Reading:
        """Return what the stream stated; chunks that still come are let go."""
        self._read(self._blocks.take(), closely=True)
        self._damaged = self._reading.unread > 0  # an event that is cut off is no damage
        self._read(self._blocks.take(last=True), closely=True)
        self._append = _let_go
        return self._reading

    def lacks(self, reading: Reading, *, whole: bool) -> str | None:
        """Return `invalid_response` for a stream without an object, `incomplete_response` for one cut short."""
        if not reading.objects and not self._blocks.skipped and (whole or self._damaged):
            return "invalid_response"
        known = self.done or self._blocks.skipped or reading.ended()
        return None if known or not whole else "incomplete_response"

    def _look(self, chunk: bytes) -> None:
        if not self._due(chunk):
            return
        batch = self._spoke and self._size > self._limit
        try:
            self._read(self._blocks.take(), closely=not batch)
        except Exception:  # noqa: BLE001 - the chunk is handed on whatever it holds
            guard.caught("capture.stream")
        rest = sum(map(len, self._blocks.held))
        self._size, self._limit = rest, max(_BATCH, 2 * rest) if self._spoke or rest > _PATIENCE else 0
        if self.done:
            self._on_done()

    def _due(self, chunk: bytes) -> bool:
        """Whether looking may find what is urgent, or is due: it costs a copy of everything that is held."""
        if not self._spoke:
            line = b"\n" in chunk or b"\r" in chunk
            return self._size > self._limit and (line or self._size > MAX_EVENT)
        if self._size > self._limit:
            return True
        held, longest = self._blocks.held, len(_END_MARKS[-1])
        tail = chunk if len(chunk) >= longest else b"".join(each[-longest:] for each in held[-longest:])
        return tail.endswith(_END_MARKS)

    def _read(self, block: bytes, *, closely: bool) -> None:
        if self.done:  # whatever comes behind the end is no part of the answer
            return
        if not closely and (alike := self._alike.count(block)):
            self._reading.events += alike
            return
        text = 0
        if self._spoke:
            text, events = self._text_of(block, closely=closely)
            self._reading.events += events
        end = text + self._read_each(block[text:])
        if self._spoke:
            self._dialect.skim(self._reading, block[:end])

    def _read_each(self, block: bytes) -> int:
        """Read a block event by event; return how many bytes of it are events, up to the stream's own end."""
        events, in_place = before_an_object(block)
        dialect, reading = self._dialect, self._reading
        for data in payloads(events):
            if data == b"[DONE]":
                self.done = True
                return len(events.partition(b"[DONE]\n")[0])
            reading.events += 1
            if not self._spoke or dialect.states(data):
                dialect.take(reading, data)
                if reading.spoke and not self._spoke:
                    self._spoke, self.first_token_at = True, time.perf_counter_ns()
        if in_place:
            known = reading.objects
            dialect.take(reading, in_place)
            self.done = reading.objects > known
        return len(events)

    def _text_of(self, block: bytes, *, closely: bool) -> tuple[int, int]:
        """Return how much of a block is pieces of text and nothing else, as far as that is seen: bytes, and events."""
        if not closely and self._dialect.is_all_text(block, events := _events(block)):
            self._alike.learn(block)
            return len(block), events
        head = before_the_last(block, _ENDING)
        if head and self._dialect.is_all_text(head, events := _events(head)):
            return len(head), events
        return 0, 0


def _events(block: bytes) -> int:
    return block.count(b"\ndata:") + block.startswith(b"data:")


def _let_go(_chunk: bytes) -> None:
    """Take no chunk any more."""


def _unasked() -> None:
    """Take note of the end of events that are read when all have passed."""
