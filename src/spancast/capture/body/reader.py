"""Readers of the forms of a body: one JSON object, a stream of events, or opaque bytes. They never raise."""

import time
from collections.abc import Callable
from typing import Protocol

from spancast.base import guard
from spancast.capture.body.bulk import without_bulk
from spancast.capture.body.ends import Ends
from spancast.capture.body.sse import MAX_EVENT, Blocks, before_an_object, before_the_last, is_stream, payloads
from spancast.capture.body.text_events import TextEvents
from spancast.capture.dialects.dialect import Dialect
from spancast.capture.reading import Reading


class Reader(Protocol):
    """Reads a body, its content encoding removed, as it passes."""

    first_token_at: int | None
    """`time.perf_counter_ns()` when the first token of the answer passed."""
    done: bool
    """Whether the body's own end mark has passed, whatever the connection does after it."""

    def feed(self, chunk: bytes) -> None:
        """Read a chunk of the body."""
        ...

    def end(self) -> Reading:
        """Return what was read, the unfinished rest included; later chunks are ignored."""
        ...

    def error_type(self, reading: Reading, *, is_whole: bool) -> str | None:
        """Return the error type of a body that is no complete answer; `is_whole`: whether it was read to its end."""
        ...


class PlainReader:
    """Reads a body of one JSON object, perhaps after keep-alive padding; it is buffered until it is whole.

    A long one that the caller streams loses what is almost certainly an image or audio while it passes. Events without
    their content type, as some gateways send them, are read as events.
    """

    MAX = 4 * 1024 * 1024
    """Bytes buffered for a caller who streams; of a longer body without images and audio only the two ends are read."""

    first_token_at: int | None = None  # padding may come first, so the start of a plain answer is not known

    def __init__(self, dialect: Dialect) -> None:
        self.done = False
        self._dialect = dialect
        self._stream: StreamReader | None = None
        self._chunks: list[bytes] = []
        self._size = 0
        self._ends: Ends | None = None

    def feed(self, chunk: bytes) -> None:
        """Read a chunk of the body."""
        if self._ends is not None:
            self._ends.feed(chunk)
            return
        self._chunks.append(chunk)
        self._size += len(chunk)
        if self._size > self.MAX:
            self._shrink()

    def set_body(self, body: bytes) -> None:
        """Read the whole body, whatever its length: the caller holds it anyway."""
        self._chunks, self._ends = [body], None

    def end(self) -> Reading:
        """Return what the body states."""
        reading, body, dialect = Reading(), b"".join(self._chunks), self._dialect
        self._chunks = []
        for data in (body,) if self._ends is None else self._ends.objects():
            answer = dialect.decode(data)
            if answer is not None:
                reading.has_object = True
                dialect.read(reading, answer)
        return self._as_events(body) if not reading.has_object and is_stream(body) else reading

    def _as_events(self, body: bytes) -> Reading:
        self._stream = stream = StreamReader(self._dialect, _ignore_end)
        stream.feed(body)
        reading, self.done = stream.end(), stream.done
        return reading

    def error_type(self, reading: Reading, *, is_whole: bool) -> str | None:
        """Return `invalid_response` for a whole body without an object; for events as a `StreamReader` does."""
        if self._stream is not None:
            return self._stream.error_type(reading, is_whole=is_whole)
        return "invalid_response" if is_whole and not reading.has_object and self._ends is None else None

    def _shrink(self) -> None:
        rest = without_bulk(b"".join(self._chunks))
        self._size = len(rest)
        self._chunks = [rest]
        if self._size > self.MAX // 2:
            self._chunks, self._ends = [], Ends(rest)


class OpaqueReader:
    """A body that is not read, such as audio. Only the time of its first chunk is noted."""

    done = False

    def __init__(self) -> None:
        self.first_token_at: int | None = None

    def feed(self, chunk: bytes) -> None:
        """Note when the first chunk passed."""
        if self.first_token_at is None and chunk:
            self.first_token_at = time.perf_counter_ns()

    def end(self) -> Reading:
        """Return that nothing was read."""
        return Reading()

    def error_type(self, reading: Reading, *, is_whole: bool) -> str | None:  # noqa: ARG002 - the protocol's
        """Return `None`: such a body is never found wrong."""
        return None


_BATCH = 16 * 1024
"""Bytes that are read together, once nothing is urgent."""
_LINE_BY_LINE = 64 * 1024
"""Bytes up to which an event of many lines is checked with every line; then only when its size has doubled."""
_CLOSING_EVENTS = 6
"""Events at the end of a stream that are parsed: the last texts, the finish reason, the usage, the end mark."""
_END_MARKS = (b"[DONE]\n\n", b"[DONE]\r\n\r\n")


class StreamReader:
    """Reads a body of server-sent events.

    Until the first token every event is parsed. From then on chunks are only buffered, and read in batches: whether a
    batch states nothing but text is determined without parsing its events. A JSON object in place of an event, as an
    error may come, is read as one.
    """

    __slots__ = (
        "_append",
        "_blocks",
        "_damaged",
        "_dialect",
        "_has_output",
        "_limit",
        "_on_done",
        "_reading",
        "_size",
        "_text_events",
        "done",
        "first_token_at",
    )

    def __init__(self, dialect: Dialect, on_done: Callable[[], None]) -> None:
        self._dialect = dialect
        self.first_token_at: int | None = None
        self.done = False
        self._blocks = Blocks()
        self._append = self._blocks.chunks.append
        self._on_done = on_done
        self._has_output = False
        self._size = 0
        self._limit = 0
        self._reading = Reading()
        self._text_events = TextEvents()
        self._damaged = False

    def feed(self, chunk: bytes) -> None:
        """Read a chunk of the body; the stream's own end mark calls `on_done` before this returns."""
        self._append(chunk)
        self._size = size = self._size + len(chunk)
        # The third byte from the end of any chunk that completes an end mark; a piece of text has "}" there.
        if size > self._limit or chunk[-3:-2] in {b"]", b"\n", b""}:
            self._inspect(chunk)

    def so_far(self) -> Reading:
        """Return what the complete events so far state."""
        self._read(self._blocks.pop(), closely=True)
        self._size = sum(map(len, self._blocks.chunks))
        return self._reading

    @property
    def rest(self) -> bytes:
        """What has passed of an incomplete event, after the events of `so_far`."""
        return b"".join(self._blocks.chunks)

    def end(self) -> Reading:
        """Return what the stream stated; later chunks are ignored."""
        self._read(self._blocks.pop(), closely=True)
        damaged = self._damaged
        self._read(self._blocks.pop(last=True), closely=True)
        self._damaged = damaged  # a truncated event is no damage
        self._append = _ignore
        return self._reading

    def error_type(self, reading: Reading, *, is_whole: bool) -> str | None:
        """Return `invalid_response` for a stream without an object, `incomplete_response` for one cut short."""
        if not reading.has_object and not self._blocks.skipped and (is_whole or self._damaged):
            return "invalid_response"
        is_complete = self.done or self._blocks.skipped or reading.is_complete()
        return None if is_complete or not is_whole else "incomplete_response"

    def _inspect(self, chunk: bytes) -> None:
        if not self._due(chunk):
            return
        batch = self._has_output and self._size > self._limit
        try:
            self._read(self._blocks.pop(), closely=not batch)
        except Exception:  # noqa: BLE001 - the chunk is handed on whatever it holds
            guard.caught("capture.stream")
        rest = sum(map(len, self._blocks.chunks))
        self._size, self._limit = rest, max(_BATCH, 2 * rest) if self._has_output or rest > _LINE_BY_LINE else 0
        if self.done:
            self._on_done()

    def _due(self, chunk: bytes) -> bool:
        """Whether it is time to read what is buffered, or may be urgent: to read copies all that is buffered."""
        if not self._has_output:
            line = b"\n" in chunk or b"\r" in chunk
            return self._size > self._limit and (line or self._size > MAX_EVENT)
        if self._size > self._limit:
            return True
        chunks, longest = self._blocks.chunks, len(_END_MARKS[-1])
        tail = chunk if len(chunk) >= longest else b"".join(each[-longest:] for each in chunks[-longest:])
        return tail.endswith(_END_MARKS)

    def _read(self, block: bytes, *, closely: bool) -> None:
        if self.done:  # whatever follows the end is not part of the answer
            return
        if not closely and (events := self._text_events.count(block)):
            self._reading.events += events
            return
        text = 0
        if self._has_output:
            text, events = self._text_of(block, closely=closely)
            self._reading.events += events
        end = text + self._read_each(block[text:])
        if self._has_output:
            self._dialect.skim(self._reading, block[:end])

    def _read_each(self, block: bytes) -> int:
        """Parse a block event by event; return how many bytes of it are events, up to the stream's own end."""
        events, in_place = before_an_object(block)
        dialect, reading = self._dialect, self._reading
        for data in payloads(events):
            if data == b"[DONE]":
                self.done = True
                return len(events.partition(b"[DONE]\n")[0])
            reading.events += 1
            if not self._has_output or dialect.states(data):
                self._read_object(data)
                if reading.has_output and not self._has_output:
                    self._has_output, self.first_token_at = True, time.perf_counter_ns()
        if in_place and self._read_object(in_place):
            self.done = True
        return len(events)

    def _read_object(self, data: bytes) -> bool:
        """Read an object, or note that it is damaged; return whether it could be read."""
        answer = self._dialect.decode(data)
        if answer is None:
            self._damaged = True
            return False
        self._reading.has_object = True
        self._dialect.read(self._reading, answer)
        return True

    def _text_of(self, block: bytes, *, closely: bool) -> tuple[int, int]:
        """Return how many bytes at the start of a block are known to be nothing but text, and how many events."""
        if not closely and self._dialect.is_all_text(block, events := _events(block)):
            self._text_events.learn(block)
            return len(block), events
        head = before_the_last(block, _CLOSING_EVENTS)
        if head and self._dialect.is_all_text(head, events := _events(head)):
            return len(head), events
        return 0, 0


def _events(block: bytes) -> int:
    return block.count(b"\ndata:") + block.startswith(b"data:")


def _ignore(_chunk: bytes) -> None:
    """Ignore a chunk that comes after `end`."""


def _ignore_end() -> None:
    """Ignore the end mark of events that are read only when all have passed."""
