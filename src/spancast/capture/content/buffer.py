"""The bytes of an exchange whose content is captured, and the Content that is made of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from spancast.base.http_status import FIRST_ERROR
from spancast.capture.body.content_encoding import decoder
from spancast.capture.body.sse import BOM, is_stream, normal, payloads
from spancast.capture.content import jsontext, parts
from spancast.capture.content.limit import Limit
from spancast.capture.content.parts import Message
from spancast.capture.content.table import TRANSCRIPTS
from spancast.capture.content.transcript import RequestContent, Transcript, no_messages
from spancast.capture.values import listed, member
from spancast.records.content import Content
from spancast.records.redacted import Redact

MAX_BUFFERED = 8 * 1024 * 1024
"""Bytes of an answer that are buffered while it passes, and bytes to which it may grow when it is decoded."""
MAX_PARSED = 32 * 1024 * 1024
"""Bytes of a body, images and all, whose content is parsed; of a longer one only the length is stored."""

_NO_TRANSCRIPT = Transcript(lambda _request: RequestContent(), no_messages)


@dataclass(slots=True)
class ContentBuffer:
    """The request and the answer of one exchange as they passed. They are only buffered; `content` parses them."""

    operation: str
    request: bytes | None = None
    secrets: tuple[str, ...] = ()
    received: int = 0
    """Bytes of the answer that have passed, buffered or not."""
    _buffered: int = 0
    _encodings: str = ""
    _streamed: bool = False
    _has_content: bool = True
    _chunks: list[bytes] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many bytes are buffered."""
        return len(self.request or b"") + self._buffered

    def start(self, status: int, encodings: str, *, streamed: bool) -> Callable[[bytes], None]:
        """Note how the answer is encoded; return what takes its chunks."""
        self._encodings, self._streamed = encodings, streamed
        self._has_content = status >= FIRST_ERROR or self._transcript.answer is not no_messages
        return self.append if self._has_content else _ignore

    def append(self, chunk: bytes) -> None:
        """Buffer a chunk of the answer, as long as there is room."""
        self.received += len(chunk)
        if self.received <= MAX_BUFFERED:
            self._chunks.append(chunk)
            self._buffered = self.received

    def set_body(self, body: bytes) -> None:
        """Hold the whole answer, decoded, in place of its chunks; the caller holds it anyway."""
        if self._has_content:
            self._chunks, self._encodings = [body], ""
            self.received = self._buffered = len(body)

    def content(self, call_id: str, redact: Redact | None = None) -> Content:
        """Return the content; where there is not room for all, the answer goes first.

        Raises:
            Exception: whatever the redactor raises.
        """
        request, (body, is_whole) = self._request_content(), self._decoded()
        answers = list(self._answers(body, is_whole=is_whole))
        messages = self._transcript.answer(answers)
        errors = [each for answer in answers for each in _errors(answer)]
        limit = Limit(redact, self.secrets)
        return Content(
            call_id=call_id,
            output_messages=_json(limit.messages(messages if is_whole else _marked_cut(messages, self.received))),
            error=_json([kept for each in errors if (kept := limit.value(each)) is not None]),
            system_instructions=_json(limit.parts(request.instructions)),
            input_messages=_json(limit.messages(request.messages)),
            tool_definitions=_json(limit.tools(request.tools)),
        )

    @property
    def _transcript(self) -> Transcript:
        return TRANSCRIPTS.get(self.operation, _NO_TRANSCRIPT)

    def _request_content(self) -> RequestContent:
        if self.request is None:
            return RequestContent()
        if len(self.request) > MAX_PARSED:
            return RequestContent([parts.message("user", [parts.text(f"[{len(self.request)} bytes cut]")])])
        return self._transcript.request(_parsed(self.request))

    def _answers(self, body: bytes, *, is_whole: bool) -> Iterator[Any]:
        """Yield the JSON objects of the answer: the one of a plain answer, or those of a stream's events."""
        body = body.removeprefix(BOM)
        if is_stream(body) or (self._streamed and not body.lstrip().startswith(b"{")):  # its type may be wrong
            written = payloads(normal(body))
        else:
            written = iter([body] if is_whole else [])
        for each in written:
            answer = _parsed(each)
            if isinstance(answer, dict):
                yield answer

    def _decoded(self) -> tuple[bytes, bool]:
        """Return the answer as far as it is buffered and can be decoded, and whether that is all of it."""
        buffered = b"".join(self._chunks)
        is_whole, most = len(buffered) == self.received, MAX_BUFFERED if self._streamed else MAX_PARSED
        decode = decoder(self._encodings)
        if decode is None:
            return buffered[:most], is_whole and len(buffered) <= most
        pieces, size = [], 0
        try:
            for piece in decode(buffered):
                pieces.append(piece)
                size += len(piece)
                if size > most:
                    return b"".join(pieces), False
        except Exception:  # noqa: BLE001 - damaged, and each decoder raises its own: what came before the damage counts
            is_whole = is_whole and self._streamed
        return b"".join(pieces), is_whole


def _ignore(_chunk: bytes) -> None:
    """Ignore a chunk of an answer that has no content."""


def _marked_cut(messages: list[Message], length: int) -> list[Message]:
    """Return messages with a mark that they are all that was parsed of so many bytes."""
    mark = parts.text(f"[the rest of {length} bytes cut]")
    first, *others = messages or [parts.message("assistant", [])]
    return [{**first, "parts": [*first["parts"], mark]}, *others]


def _errors(answer: Any) -> Iterator[Any]:
    """Yield each error, wherever an answer states it: what an error quotes is content."""
    if member(answer, "type") in ("error", "response.error") and member(answer, "error") is None:
        yield answer
    for stated_in in (answer, member(answer, "response"), *listed(member(answer, "choices"))):
        if (error := member(stated_in, "error")) is not None:
            yield error


def _parsed(written: bytes) -> Any:
    try:
        return jsontext.read(written.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def _json(value: list[Any]) -> str | None:
    """Return JSON text; `None` for nothing, which is not the same as an empty list."""
    return msgspec.json.encode(value).decode() if value else None
