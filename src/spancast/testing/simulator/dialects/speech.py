"""`POST /audio/speech`: audio bytes. The response does not state its cost; only a header names the generation."""

import hashlib
from random import Random
from typing import Any

import msgspec

from spancast.testing.simulator import generation, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, GenerationStart
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_TAG = b"ID3\x04\x00\x00\x00\x00\x00\x00"
"""The start of an MP3 file; the rest is noise."""
_CHARACTER_BYTES = 64
_PIECE = 1024


class SpeechRequest(msgspec.Struct, frozen=True):
    """The parsed fields of a speech request."""

    text: str

    @property
    def key(self) -> str:
        """Speech inputs are not read from a prompt cache."""
        return self.text


def _read(body: dict[str, Any]) -> SpeechRequest:
    return SpeechRequest(reading.required(body, "input", str))


def _make(fields: SpeechRequest, model: Model, opening: GenerationStart, _: Directives) -> Generation[SpeechRequest]:
    counted = Usage(prompt_tokens=tokens.of_text(fields.text), units=len(fields.text))
    return Generation(opening=opening, model=model, output=fields, usage=usage.priced(counted, model.prices))


def _whole(_: ParsedRequest[SpeechRequest], made: Generation[SpeechRequest]) -> tuple[Piece, ...]:
    text = made.output.text
    noise = Random(hashlib.sha256(text.encode()).digest()).randbytes(_CHARACTER_BYTES * len(text))  # noqa: S311 - noise
    sound = _TAG + noise
    *before, last = [sound[at : at + _PIECE] for at in range(0, len(sound), _PIECE)]
    return (*map(Piece, before), Piece(last, settles=True))


SPEECH = Dialect[SpeechRequest](
    operation="speech",
    api_type="tts",
    kind="speech",
    prefix="gen-tts-",
    read=_read,
    make=_make,
    end=generation.fail,
    whole=_whole,
    content_type="audio/mpeg",
    padding=b"",
)
