"""The bytes of an exchange that was asked to be kept, and the Content that they become."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from spancast.capture.content.limit import Limit, Redact
from spancast.capture.content.table import TRANSCRIPTS
from spancast.capture.content.transcript import Asked
from spancast.capture.decoding import decoder
from spancast.capture.sse import payloads
from spancast.capture.values import member
from spancast.content import Content

MAX_BYTES = 8 * 1024 * 1024
"""Bytes held of a request, and of an answer; of a longer one no words are kept."""


@dataclass(slots=True)
class Words:
    """What passed in one exchange, as it passed. It is only held; `content` reads it."""

    operation: str
    request: bytes | None = None
    secrets: tuple[str, ...] = ()
    encodings: str = ""
    streamed: bool = False
    size: int = 0
    too_long: bool = False
    _chunks: list[bytes] = field(default_factory=list)

    def begin(self, encodings: str, *, streamed: bool) -> Callable[[bytes], None]:
        """Take the shape of the answer; return what takes its pieces."""
        self.encodings, self.streamed = encodings, streamed
        return self.hear

    def hear(self, chunk: bytes) -> None:
        """Hold a piece of the answer."""
        self.size += len(chunk)
        if self.size > MAX_BYTES:
            self.too_long = True
            self._chunks.clear()
        elif not self.too_long:
            self._chunks.append(chunk)

    def whole(self, content: bytes) -> None:
        """Hold the answer, decoded, instead of its pieces."""
        self._chunks.clear()
        self.size, self.encodings = 0, ""
        self.hear(content)

    def content(self, call_id: str, redact: Redact | None = None) -> Content:
        """Return the words; raise what the application's redactor raises."""
        limit, transcript = Limit(redact, self.secrets), TRANSCRIPTS.get(self.operation)
        asked, answers = Asked(), list(self._answers())
        if transcript is not None and self.request is not None and len(self.request) <= MAX_BYTES:
            asked = transcript.asked(_parsed(self.request))
        said = [] if transcript is None else transcript.said(answers)
        return Content(
            call_id=call_id,
            input_messages=_written(limit, asked.messages),
            system_instructions=_written(limit, asked.instructions),
            tool_definitions=_written(limit, asked.tools),
            output_messages=_written(limit, said),
            error=_written(limit, [quoted for answer in answers if (quoted := member(answer, "error"))]),
        )

    def _answers(self) -> Iterator[Any]:
        body = self._decoded()
        for written in payloads(_lines(body)) if self.streamed else [body]:
            answer = _parsed(written)
            if isinstance(answer, dict):
                yield answer

    def _decoded(self) -> bytes:
        decode = decoder(self.encodings)
        if decode is None:
            return b"".join(self._chunks)
        found, size = [], 0
        for chunk in self._chunks:
            for piece in decode(chunk):
                size += len(piece)
                if size > MAX_BYTES:
                    return b""
                found.append(piece)
        return b"".join(found)


def _lines(body: bytes) -> bytes:
    return body.replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _parsed(written: bytes) -> Any:
    try:
        return json.loads(written)
    except (ValueError, RecursionError):
        return None


def _written(limit: Limit, value: list[Any]) -> str | None:
    """Return JSON text; `None` for nothing, which is not the same as an empty list."""
    return msgspec.json.encode(limit.kept(value)).decode() if value else None
