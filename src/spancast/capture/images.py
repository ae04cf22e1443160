"""POST /images: plain, or a stream of typed events whose last one has the usage (OpenRouter API, ImageGenerationUsage).

An answer names neither its generation nor its provider; the headers do. Its images are not read.
"""

from spancast.capture.decode import Decoder
from spancast.capture.dialect import Dialect
from spancast.capture.reading import Envelope, Reading
from spancast.capture.values import Text


class _Answer(Envelope):
    """The members that are read of an answer, and of an event."""

    type: Text | None = None


_answer = Decoder(_Answer)
_PIECES = ("image_generation.partial_image", "image_generation.text_chunk")
_COMPLETED = "image_generation.completed"


def _take(reading: Reading, data: bytes) -> None:
    answer = _answer(data)
    if answer is None:
        reading.unread += 1
        return
    reading.envelope(answer)
    reading.billed(answer.usage)
    kind = answer.type
    reading.over = reading.over or kind == _COMPLETED
    reading.spoke = reading.spoke or kind == _COMPLETED or kind in _PIECES


IMAGE = Dialect(operation="image", take=_take)
