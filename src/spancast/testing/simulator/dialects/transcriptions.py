"""`POST /audio/transcriptions`, with a JSON or a form body. Only a header names the generation, as recorded.

The duration depends on the number of bytes, and the text on their content.
"""

import base64
import binascii
import hashlib
from typing import Any

import msgspec

from spancast.testing.simulator import errors, form, generation, money, prose, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, GenerationStart
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.served import Served
from spancast.testing.simulator.usage import Usage

_SECOND_BYTES = 4096
_SECOND_WORDS = 2
_SECOND_TOKENS = 10


class TranscriptionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed fields of a transcription request."""

    data: bytes
    verbose: bool
    language: str

    @property
    def key(self) -> str:
        """The key that determines the text."""
        return hashlib.sha256(self.data).hexdigest()

    @property
    def seconds(self) -> int:
        """The duration, at least one second."""
        return max(1, -(-len(self.data) // _SECOND_BYTES))

    @property
    def text(self) -> str:
        """The transcribed text."""
        return "".join(prose.words(self.key, self.seconds * _SECOND_WORDS))


def _parse(served: Served) -> dict[str, Any]:
    return form.read(served) if form.is_form(served) else reading.json_object(served)


def _read(body: dict[str, Any]) -> TranscriptionRequest:
    return TranscriptionRequest(
        data=body["file"] if isinstance(body.get("file"), bytes) else _decoded(body),
        verbose=body.get("response_format") == "verbose_json",
        language=reading.text(body.get("language")) or "english",
    )


def _decoded(body: dict[str, Any]) -> bytes:
    data = reading.required(reading.required(body, "input_audio", dict), "data", str)
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise errors.bad_request("Invalid input: input_audio.data is not base64") from None


def _make(
    fields: TranscriptionRequest, model: Model, opening: GenerationStart, _: Directives
) -> Generation[TranscriptionRequest]:
    if model.prices.unit:
        counted = Usage(units=fields.seconds)
    else:
        counted = Usage(prompt_tokens=fields.seconds * _SECOND_TOKENS, completion_tokens=tokens.of_text(fields.text))
    return Generation(opening=opening, model=model, output=fields, usage=usage.priced(counted, model.prices))


def _whole(_: ParsedRequest[TranscriptionRequest], made: Generation[TranscriptionRequest]) -> tuple[Piece, ...]:
    heard = made.output
    body: dict[str, Any] = {"text": heard.text}
    if heard.verbose:
        segment = {"id": 0, "start": 0, "end": heard.seconds, "text": heard.text}
        body |= {"task": "transcribe", "language": heard.language, "duration": heard.seconds, "segments": [segment]}
    stated = {"usage": _usage(made.usage)} if made.usage_stated else {}
    return (Piece(msgspec.json.encode(body | stated), settles=True),)


def _usage(used: Usage) -> dict[str, Any]:
    """Return the cost, and the unit that the model is priced by: seconds or tokens."""
    if used.units:
        return {"seconds": used.units, "cost": money.number(used.cost)}
    return {
        "total_tokens": used.total_tokens,
        "input_tokens": used.prompt_tokens,
        "output_tokens": used.completion_tokens,
        "cost": money.number(used.cost),
    }


TRANSCRIPTIONS = Dialect[TranscriptionRequest](
    operation="transcription",
    api_type="stt",
    kind="transcription",
    prefix="gen-stt-",
    parse=_parse,
    read=_read,
    make=_make,
    end=generation.fail,
    whole=_whole,
)
