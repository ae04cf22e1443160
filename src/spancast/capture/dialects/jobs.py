"""POST /videos and POST /batches start a job; GET of its id returns its status, and its usage once it is done.

(OpenRouter API, VideoGenerationResponse; openrouter SDK, BatchObject.) The `id` is the job's; the generation has one of
its own, in the headers or in `generation_id`.
"""

from typing import Any

from spancast.capture.dialects.dialect import Dialect
from spancast.capture.json_decoder import Decoder
from spancast.capture.reading import Envelope, Reading
from spancast.capture.values import Text


class _Job(Envelope):
    """The members that are read of a job. The results of a batch are not."""

    generation_id: Text | None = None
    status: Text | None = None


_decode = Decoder(_Job)
FAILED = frozenset({"failed", "cancelled", "expired"})
"""The statuses of a job that has ended without a result."""


def _read(reading: Reading, job: _Job) -> None:
    if job.status in FAILED:
        reading.set_error(_failure(job.status, job.error))
    reading.add_envelope(job, id_names_generation=False)
    reading.keep_first(generation_id=job.generation_id)
    reading.keep_last(status=job.status)
    reading.add_usage(job.usage)


def _failure(status: str | None, error: Any) -> dict[str, Any]:
    """Return the error of a job that failed: a video has only a message, a batch has no code."""
    return {"type": status, **(error if isinstance(error, dict) else {"message": error})}


VIDEO = Dialect(operation="video", decode=_decode, read=_read)
BATCH = Dialect(operation="batch", decode=_decode, read=_read)
VIDEO_POLL = Dialect(operation="video", decode=_decode, read=_read, poll=True)
BATCH_POLL = Dialect(operation="batch", decode=_decode, read=_read, poll=True)
