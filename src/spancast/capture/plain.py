"""Answers of one JSON object that hold an envelope and a `usage`, and content that is not read."""

from spancast.capture.decode import Decoder
from spancast.capture.reading import Envelope, Reading

_answer = Decoder(Envelope)


def take(reading: Reading, data: bytes) -> None:
    """Read what stands around the content."""
    answer = _answer(data)
    if answer is None:
        reading.unread += 1
        return
    reading.envelope(answer)
    reading.billed(answer.usage)
