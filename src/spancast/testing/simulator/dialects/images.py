"""`POST /images`, plain or streamed. Only the headers name the generation and the provider, as recorded.

A plain response has no creation time either. The images are PNGs of one pixel, whose colour is determined by the
prompt.
"""

import base64
import hashlib
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import msgspec

from spancast.testing.simulator import events, generation, reading, tokens, usage
from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects import costs
from spancast.testing.simulator.directives import Directives
from spancast.testing.simulator.generation import Generation, GenerationStart
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.order import ParsedRequest
from spancast.testing.simulator.pieces import Piece
from spancast.testing.simulator.usage import Usage

_IMAGE_TOKENS = 1120
"""The completion tokens per image, as recorded."""
_CAPTION_TOKENS = 7
"""The completion tokens of the accompanying text."""
_MEDIA_TYPE = "image/png"
_PARTIAL = 2


class ImageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The parsed fields of an image request."""

    prompt: str
    references: int
    """The number of reference images."""
    count: int

    @property
    def key(self) -> str:
        """Image prompts are not read from a prompt cache."""
        return self.prompt


def _read(body: dict[str, Any]) -> ImageRequest:
    count = body.get("n")
    return ImageRequest(
        prompt=reading.required(body, "prompt", str),
        references=len(reading.objects(body.get("input_references"))),
        count=count if isinstance(count, int) and count > 0 else 1,
    )


def _make(fields: ImageRequest, model: Model, opening: GenerationStart, _: Directives) -> Generation[ImageRequest]:
    images = fields.count * _IMAGE_TOKENS
    counted = Usage(
        prompt_tokens=tokens.of_text(fields.prompt) + fields.references * tokens.MEDIA,
        completion_tokens=images + _CAPTION_TOKENS,
        image_tokens=images,
    )
    return Generation(opening=opening, model=model, output=fields, usage=usage.priced(counted, model.prices))


def _whole(_: ParsedRequest[ImageRequest], made: Generation[ImageRequest]) -> tuple[Piece, ...]:
    data = [{"b64_json": _png(made.output, index), "media_type": _MEDIA_TYPE} for index in range(made.output.count)]
    body = {"created": 0, "data": data} | _stated(made)
    return (Piece(msgspec.json.encode(body), settles=True),)


def _stream(_: ParsedRequest[ImageRequest], made: Generation[ImageRequest]) -> tuple[Piece, ...]:
    said = map(events.event, _partial(made.output))
    return events.stream(said, events.event(_last(made)), [events.DONE])


def _partial(fields: ImageRequest) -> Iterator[dict[str, Any]]:
    for index in range(_PARTIAL):
        image = {"b64_json": _png(fields, index), "partial_image_index": index}
        yield {"type": "image_generation.partial_image"} | image


def _last(made: Generation[ImageRequest]) -> dict[str, Any]:
    if made.failure is not None:
        error = {"code": str(made.failure.code), "message": made.failure.message, "type": made.failure.error_type}
        return {"type": "error", "error": error}
    image = {"b64_json": _png(made.output, 0), "created": made.created, "media_type": _MEDIA_TYPE}
    return {"type": "image_generation.completed"} | image | _stated(made)


def _stated(made: Generation[ImageRequest]) -> dict[str, Any]:
    if not made.usage_stated:
        return {}
    used = made.usage
    return {
        "usage": {
            "prompt_tokens": used.prompt_tokens,
            "completion_tokens": used.completion_tokens,
            "total_tokens": used.total_tokens,
            **costs.charged(used),
            "prompt_tokens_details": {
                "cached_tokens": used.cached_tokens,
                "cache_write_tokens": used.cache_write_tokens,
                "audio_tokens": 0,
                "video_tokens": 0,
            },
            "cost_details": costs.details(used),
            "completion_tokens_details": {
                "reasoning_tokens": used.reasoning_tokens,
                "image_tokens": used.image_tokens,
            },
        }
    }


def _png(fields: ImageRequest, index: int) -> str:
    colour = hashlib.sha256(f"{fields.prompt}/{index}".encode()).digest()[:3]
    header = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0)
    chunks = _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" + colour)) + _chunk(b"IEND", b"")
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + chunks).decode()


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


IMAGES = Dialect[ImageRequest](
    operation="image",
    api_type="image",
    kind="image",
    prefix="gen-img-",
    read=_read,
    make=_make,
    end=generation.fail,
    whole=_whole,
    stream=_stream,
    names_provider=True,
)
