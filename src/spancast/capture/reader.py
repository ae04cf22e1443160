"""The two shapes of a body: one JSON object, or a stream of events. Fed as bytes pass; they never raise."""

import re
import time
from collections.abc import Callable
from typing import Protocol

from spancast import guard
from spancast.capture.chat import Reading
from spancast.capture.sse import Blocks, payloads


class Reader(Protocol):
    """Reads a decoded body as it passes."""

    first_token_at: int | None
    """`time.perf_counter_ns()` when the first piece of the answer itself passed."""

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        ...

    def end(self) -> Reading:
        """Return what was read, the unfinished rest included; nothing is taken any more."""
        ...

    def lacks(self, reading: Reading) -> str | None:
        """Return the error type of a body that was read to its end and is no answer."""
        ...


class PlainReader:
    """A body of one JSON object, perhaps behind keep-alive padding; it is kept until it is whole."""

    MAX = 32 * 1024 * 1024
    """Bytes kept for a caller who streams; a longer body is known by its headers alone."""

    first_token_at: int | None = None  # padding comes first: when a plain answer began is not seen

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        self._size += len(chunk)
        if self._size <= self.MAX:
            self._chunks.append(chunk)
        else:
            self._chunks.clear()

    def whole(self, content: bytes) -> None:
        """Take the whole body at once, whatever its length: its caller holds it anyway."""
        self._chunks = [content]

    def end(self) -> Reading:
        """Return what the body states."""
        reading = Reading()
        reading.read(b"".join(self._chunks))
        self._chunks.clear()
        return reading

    def lacks(self, reading: Reading) -> str | None:
        """Return `invalid_response` for a body that holds no object."""
        return None if reading.objects else "invalid_response"


_BATCH = 16 * 1024
"""Bytes that are looked at together, once nothing is urgent."""
_MANY = 4096
"""Bytes that wait for the end of an event; with more, a chunk that ends amid one is no reason to look."""
_OBJECT_BESIDE_DELTA = re.compile(rb'":\{"(?<!"delta":\{")')
_NAMED_FINISH = re.compile(rb'"finish_reason":[^n]')


class StreamReader:
    """A body of server-sent events.

    Until the first piece of the answer every event is read. From then on chunks are only held, and looked at together:
    what a whole batch of events does not state is found without parsing one of them.
    """

    __slots__ = (
        "_append",
        "_blocks",
        "_done",
        "_limit",
        "_on_done",
        "_reading",
        "_rest",
        "_size",
        "_spoke",
        "first_token_at",
    )

    def __init__(self, on_done: Callable[[], None]) -> None:
        self.first_token_at: int | None = None
        self._blocks = Blocks()
        self._append = self._blocks.held.append
        self._on_done = on_done
        self._done = False
        self._spoke = False
        self._size = 0
        self._rest = 0
        self._limit = 0
        self._reading = Reading()

    def feed(self, chunk: bytes) -> None:
        """Take a piece of the body; the stream's own end mark calls `on_done` before this returns."""
        self._append(chunk)
        self._size = size = self._size + len(chunk)
        if (
            size > self._limit or chunk[-3:-2] != b"}"
        ):  # an event that says more text ends in "}", the end mark does not
            self._look()

    def end(self) -> Reading:
        """Return what the stream stated; chunks that still come are let go."""
        self._read(self._blocks.take(last=True), closely=True)
        self._append = _let_go
        return self._reading

    def lacks(self, reading: Reading) -> str | None:
        """Return `invalid_response` for a stream without an object, `incomplete_response` for one cut short."""
        if not reading.objects:
            return "invalid_response"
        return None if self._done or reading.ended() else "incomplete_response"

    def _look(self) -> None:
        if self._rest > _MANY and self._size <= self._limit:
            return
        try:
            self._read(self._blocks.take(), closely=not self._spoke)
        except Exception:  # noqa: BLE001 - the chunk is handed on whatever it holds
            guard.caught("capture.stream")
        self._size = self._rest = sum(map(len, self._blocks.held))
        self._limit = max(_BATCH, 2 * self._rest) if self._spoke else self._rest
        if self._done:
            self._on_done()

    def _read(self, block: bytes, *, closely: bool) -> None:
        if not closely and _is_all_text(block):
            return
        for data in payloads(block):
            if data == b"[DONE]":
                self._done = True
            elif not self._spoke or _states(data):
                self._reading.read(data)
                if self._reading.spoke and not self._spoke:
                    self._spoke, self.first_token_at = True, time.perf_counter_ns()


def _let_go(_chunk: bytes) -> None:
    """Take no chunk any more."""


def _is_all_text(block: bytes) -> bool:
    """Whether no event holds an object beside its delta, or a finish reason: so no usage, no error, no end.

    Inside a JSON string a quote is escaped, so that `":{"` only stands where an object is a member.
    """
    return _OBJECT_BESIDE_DELTA.search(block) is None and _NAMED_FINISH.search(block) is None


def _states(data: bytes) -> bool:
    """Whether an event states more than a piece of text: usage, an error or a finish reason."""
    return b'"usage"' in data or b'"error"' in data or _NAMED_FINISH.search(data) is not None
