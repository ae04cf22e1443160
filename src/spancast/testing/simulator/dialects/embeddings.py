"""`POST /embeddings`: a vector per input, which depends only on the input and has no meaning."""

import base64
import hashlib
import struct
from collections import Counter
from random import Random
from typing import Any

import msgspec

from spancast.testing.simulator import generation, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import costs
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, GenerationStart
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_DIMENSIONS = 256
"""The default length of a vector; OpenAI's is 1536."""
_MODALITIES = {"image_url": "image_tokens", "input_audio": "audio_tokens", "video_url": "video_tokens"}
"""The counter for each type of part other than text; unlisted types count as files."""


class EmbeddingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed fields of an embeddings request."""

    inputs: tuple[str, ...]
    """One text each, or the JSON of another input."""
    modalities: dict[str, int]
    """The tokens of each kind of input."""
    dimensions: int
    in_base64: bool

    @property
    def key(self) -> str:
        """Embeddings inputs are not read from a prompt cache."""
        return "\n".join(self.inputs)


def _read(body: dict[str, Any]) -> EmbeddingsRequest:
    inputs = _inputs(reading.required(body, "input", object))
    counted: Counter[str] = Counter()
    for each in inputs:
        counted.update(_counts(each))
    asked = body.get("dimensions")
    return EmbeddingsRequest(
        inputs=tuple(each if isinstance(each, str) else msgspec.json.encode(each).decode() for each in inputs),
        modalities=dict(counted),
        dimensions=asked if isinstance(asked, int) and asked > 0 else _DIMENSIONS,
        in_base64=body.get("encoding_format") == "base64",
    )


def _inputs(asked: Any) -> list[Any]:
    """Return the inputs; a list of numbers is a single tokenized text."""
    return [asked] if not isinstance(asked, list) or isinstance(asked[0], int) else asked


def _counts(each: Any) -> dict[str, int]:
    if isinstance(each, dict):
        counted: Counter[str] = Counter()
        for part in reading.objects(each.get("content")):
            name = (
                "text_tokens" if part.get("type") == "text" else _MODALITIES.get(str(part.get("type")), "file_tokens")
            )
            counted[name] += tokens.of_content([part])
        return counted
    return {"text_tokens": len(each) if isinstance(each, list) else tokens.of_text(str(each))}


def _make(
    fields: EmbeddingsRequest, model: Model, opening: GenerationStart, _: Directives
) -> Generation[EmbeddingsRequest]:
    counted = Usage(prompt_tokens=sum(fields.modalities.values()))
    return Generation(opening=opening, model=model, output=fields, usage=usage.priced(counted, model.prices))


def _whole(_: ParsedRequest[EmbeddingsRequest], made: Generation[EmbeddingsRequest]) -> tuple[Piece, ...]:
    body = {
        "object": "list",
        "data": [_row(index, each, made.output) for index, each in enumerate(made.output.inputs)],
        "model": made.model.slug,
        **({"usage": _usage(made)} if made.usage_stated else {}),
        "provider": made.model.provider,
        "id": made.id,
    }
    return (Piece(msgspec.json.encode(body), settles=True),)


def _row(index: int, text: str, fields: EmbeddingsRequest) -> dict[str, Any]:
    vector = _vector(text, fields.dimensions)
    packed = base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
    return {"object": "embedding", "embedding": packed if fields.in_base64 else vector, "index": index}


def _vector(text: str, dimensions: int) -> list[float]:
    """Return numbers that are exact in single precision, as recorded ones are."""
    generator = Random(hashlib.sha256(text.encode()).digest())  # noqa: S311 - numbers, no secret
    return [generator.randrange(-4096, 4096) / 65536 for _ in range(dimensions)]


def _usage(made: Generation[EmbeddingsRequest]) -> dict[str, Any]:
    used = made.usage
    stated = {"prompt_tokens": used.prompt_tokens, "total_tokens": used.total_tokens, **costs.charged(used)}
    stated["cost_details"] = costs.details(used)
    mixed = len(made.output.modalities) > 1 and used.prompt_tokens
    return stated | ({"prompt_tokens_details": made.output.modalities} if mixed else {})


EMBEDDINGS = Dialect[EmbeddingsRequest](
    operation="embeddings",
    api_type="embeddings",
    kind="embeddings",
    prefix="gen-emb-",
    read=_read,
    make=_make,
    end=generation.fail,
    whole=_whole,
    paddings=1,
    cacheable=True,
)
