"""`POST /audio/speech`: the bytes of a sound. Nothing in the answer tells what it cost; only a header names it."""

import hashlib
from random import Random
from typing import Any

import msgspec

from spancast.testing.simulator import generation, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, Opening
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import Order
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_TAG = b"ID3\x04\x00\x00\x00\x00\x00\x00"
"""How an MP3 begins; the rest of it is noise."""
_CHARACTER_BYTES = 64
_PIECE = 1024


class Spoken(msgspec.Struct, frozen=True):
    """What is to be said."""

    text: str

    @property
    def key(self) -> str:
        """No cache reads from a text that is spoken."""
        return self.text


def _read(body: dict[str, Any]) -> Spoken:
    return Spoken(reading.needed(body, "input", str))


def _make(want: Spoken, model: Model, opening: Opening, _: Directives) -> Generation[Spoken]:
    counted = Usage(prompt_tokens=tokens.of_text(want.text), units=len(want.text))
    return Generation(opening=opening, model=model, output=want, usage=usage.priced(counted, model.prices))


def _whole(_: Order[Spoken], made: Generation[Spoken]) -> tuple[Piece, ...]:
    text = made.output.text
    noise = Random(hashlib.sha256(text.encode()).digest()).randbytes(_CHARACTER_BYTES * len(text))  # noqa: S311 - noise
    sound = _TAG + noise
    *before, last = [sound[at : at + _PIECE] for at in range(0, len(sound), _PIECE)]
    return (*map(Piece, before), Piece(last, settles=True))


SPEECH = Dialect[Spoken](
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
