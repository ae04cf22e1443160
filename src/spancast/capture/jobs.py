"""POST /videos and POST /batches begin a job; GET of its id tells how it stands, and its bill once it is done.

(OpenRouter API, VideoGenerationResponse; openrouter SDK, BatchObject.) The `id` is the job's; the generation has one of
its own, in the headers or in `generation_id`.
"""

from typing import Any

from spancast.capture.decode import Decoder
from spancast.capture.dialect import Dialect
from spancast.capture.reading import Envelope, Reading
from spancast.capture.values import Text


class _Job(Envelope):
    """The members of a job that are read. The results of a batch are not."""

    generation_id: Text | None = None
    status: Text | None = None


_job = Decoder(_Job)
FAILED = frozenset({"failed", "cancelled", "expired"})
"""States in which a job has ended without a result."""


def _take(reading: Reading, data: bytes) -> None:
    job = _job(data)
    if job is None:
        reading.unread += 1
        return
    if job.status in FAILED:
        reading.fail(_failure(job.status, job.error))
    reading.envelope(job, id_names_generation=False)
    reading.name(generation_id=job.generation_id)
    reading.becomes(status=job.status)
    reading.billed(job.usage)


def _failure(status: str | None, error: Any) -> dict[str, Any]:
    """Return the error of a job that failed: a video's is its message alone, a batch's has no code."""
    return {"type": status, **(error if isinstance(error, dict) else {"message": error})}


VIDEO = Dialect(operation="video", take=_take)
BATCH = Dialect(operation="batch", take=_take)
VIDEO_POLL = Dialect(operation="video", take=_take, poll=True)
BATCH_POLL = Dialect(operation="batch", take=_take, poll=True)
