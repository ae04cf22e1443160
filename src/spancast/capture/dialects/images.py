"""POST /images: plain, or a stream of typed events whose last one has the usage (OpenRouter API, ImageGenerationUsage).

An answer names neither its generation nor its provider; the headers do. The images are not read.
"""

from spancast.capture.dialects.dialect import Dialect
from spancast.capture.json_decoder import Decoder
from spancast.capture.reading import Envelope, Reading
from spancast.capture.values import Text


class _Answer(Envelope):
    """The members that are read of an answer, and of an event."""

    type: Text | None = None


_decode = Decoder(_Answer)
_DELTAS = ("image_generation.partial_image", "image_generation.text_chunk")
_COMPLETED = "image_generation.completed"


def _read(reading: Reading, answer: _Answer) -> None:
    reading.add_envelope(answer)
    reading.add_usage(answer.usage)
    kind = answer.type
    reading.is_finished = reading.is_finished or kind == _COMPLETED
    reading.has_output = reading.has_output or kind == _COMPLETED or kind in _DELTAS


IMAGE = Dialect(operation="image", decode=_decode, read=_read)
