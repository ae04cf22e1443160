"""The bytes of an exchange that was asked to be kept, and the Content that they become."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from spancast.capture.content import jsontext, parts
from spancast.capture.content.limit import Limit, Redact
from spancast.capture.content.parts import Message
from spancast.capture.content.table import TRANSCRIPTS
from spancast.capture.content.transcript import Asked, Transcript, silent
from spancast.capture.decoding import decoder
from spancast.capture.sse import BOM, is_stream, normal, payloads
from spancast.capture.values import member
from spancast.records.content import Content

MAX_HELD = 8 * 1024 * 1024
"""Bytes held of an answer while it passes, and bytes that it may become when it is decoded."""
MAX_READ = 32 * 1024 * 1024
"""Bytes of a body, images and all, whose words are read; of a longer one only its length is kept."""

_ERRORS = 400
"""The first HTTP status that is an error."""
_SPEECHLESS = Transcript(lambda _request: Asked(), silent)


@dataclass(slots=True)
class Words:
    """What passed in one exchange, as it passed. It is only held; `content` reads it."""

    operation: str
    request: bytes | None = None
    secrets: tuple[str, ...] = ()
    passed: int = 0
    """Bytes of the answer that have passed."""
    _held: int = 0
    _encodings: str = ""
    _streamed: bool = False
    _speaks: bool = True
    _chunks: list[bytes] = field(default_factory=list)

    @property
    def size(self) -> int:
        """How many bytes are held."""
        return len(self.request or b"") + self._held

    def begin(self, status: int, encodings: str, *, streamed: bool) -> Callable[[bytes], None]:
        """Take the shape of the answer; return what takes its pieces."""
        self._encodings, self._streamed = encodings, streamed
        self._speaks = status >= _ERRORS or self._transcript.said is not silent
        return self.hear if self._speaks else _unheard

    def hear(self, chunk: bytes) -> None:
        """Hold a piece of the answer, as long as there is room."""
        self.passed += len(chunk)
        if self.passed <= MAX_HELD:
            self._chunks.append(chunk)
            self._held = self.passed

    def whole(self, content: bytes) -> None:
        """Hold the answer, decoded, instead of its pieces; its caller holds it anyway."""
        if self._speaks:
            self._chunks, self._encodings = [content], ""
            self.passed = self._held = len(content)

    def content(self, call_id: str, redact: Redact | None = None) -> Content:
        """Return the words, the answer's first where there is not room for all; raise what the redactor raises."""
        asked, (body, whole) = self._asked(), self._decoded()
        answers = list(self._answers(body, whole=whole))
        said = self._transcript.said(answers)
        errors = [each for answer in answers for each in _errors(answer)]
        limit = Limit(redact, self.secrets)
        return Content(
            call_id=call_id,
            output_messages=_written(limit.messages(said if whole else _cut(said, self.passed))),
            error=_written([kept for each in errors if (kept := limit.value(each)) is not None]),
            system_instructions=_written(limit.parts(asked.instructions)),
            input_messages=_written(limit.messages(asked.messages)),
            tool_definitions=_written(limit.tools(asked.tools)),
        )

    @property
    def _transcript(self) -> Transcript:
        return TRANSCRIPTS.get(self.operation, _SPEECHLESS)

    def _asked(self) -> Asked:
        if self.request is None:
            return Asked()
        if len(self.request) > MAX_READ:
            return Asked([parts.message("user", [parts.text(f"[{len(self.request)} bytes cut]")])])
        return self._transcript.asked(_parsed(self.request))

    def _answers(self, body: bytes, *, whole: bool) -> Iterator[Any]:
        body = body.removeprefix(BOM)
        if is_stream(body) or (self._streamed and not body.lstrip().startswith(b"{")):  # its type may be wrong
            written = payloads(normal(body))
        else:
            written = iter([body] if whole else [])
        for each in written:
            answer = _parsed(each)
            if isinstance(answer, dict):
                yield answer

    def _decoded(self) -> tuple[bytes, bool]:
        """Return the answer as far as it is held and can be decoded, and whether that is all of it."""
        held = b"".join(self._chunks)
        whole, most = len(held) == self.passed, MAX_HELD if self._streamed else MAX_READ
        decode = decoder(self._encodings)
        if decode is None:
            return held[:most], whole and len(held) <= most
        found, size = [], 0
        try:
            for piece in decode(held):
                found.append(piece)
                size += len(piece)
                if size > most:
                    return b"".join(found), False
        except Exception:  # noqa: BLE001 - damaged, and each decoder says so in its own way: what came before it is kept
            whole = whole and self._streamed
        return b"".join(found), whole


def _unheard(_chunk: bytes) -> None:
    """Take a piece of an answer that has no words."""


def _cut(said: list[Message], length: int) -> list[Message]:
    """Return messages with a mark: they are what was read of so many bytes."""
    mark = parts.text(f"[the rest of {length} bytes cut]")
    first, *others = said or [parts.message("assistant", [])]
    return [{**first, "parts": [*first["parts"], mark]}, *others]


def _errors(answer: Any) -> Iterator[Any]:
    """Yield what went wrong, wherever an answer says so: what is quoted there is content."""
    if member(answer, "type") in ("error", "response.error") and member(answer, "error") is None:
        yield answer
    for held in (answer, member(answer, "response"), *parts.listed(member(answer, "choices"))):
        if (found := member(held, "error")) is not None:
            yield found


def _parsed(written: bytes) -> Any:
    try:
        return jsontext.read(written.decode("utf-8-sig", "replace"))
    except (ValueError, RecursionError):
        return None


def _written(value: list[Any]) -> str | None:
    """Return JSON text; `None` for nothing, which is not the same as an empty list."""
    return msgspec.json.encode(value).decode() if value else None
