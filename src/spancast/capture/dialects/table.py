"""The table from a route to its dialect."""

import re

from spancast.capture import api_path
from spancast.capture.dialects.chat import CHAT, COMPLETION
from spancast.capture.dialects.dialect import Dialect
from spancast.capture.dialects.images import IMAGE
from spancast.capture.dialects.jobs import BATCH, BATCH_POLL, VIDEO, VIDEO_POLL
from spancast.capture.dialects.messages import MESSAGES
from spancast.capture.dialects.plain import DECISIONS, EMBEDDINGS, RERANK, SPEECH, TRANSCRIPTION, UNKNOWN
from spancast.capture.dialects.responses import RESPONSES

CALLS: dict[str, Dialect] = {
    "/chat/completions": CHAT,
    "/completions": COMPLETION,
    "/responses": RESPONSES,
    "/messages": MESSAGES,
    "/embeddings": EMBEDDINGS,
    "/rerank": RERANK,
    "/images": IMAGE,
    "/audio/speech": SPEECH,
    "/audio/transcriptions": TRANSCRIPTION,
    "/videos": VIDEO,
    "/batches": BATCH,
    "/systemone": DECISIONS,
    "/decisions": DECISIONS,
}
"""Dialects by the end of the path of a POST; the first match counts."""

POLLS: tuple[tuple[re.Pattern[str], Dialect], ...] = (
    (re.compile(r"/videos/(?!models$)[^/]+$"), VIDEO_POLL),
    (re.compile(r"/batches/[^/]+$"), BATCH_POLL),
)
"""Dialects of the GETs that poll a job, by the end of their path."""


def dialect_of(method: str, path: str) -> Dialect | None:
    """Return the dialect of a request to an OpenRouter host; `None` where it does not call a model or poll a job."""
    path = path.rstrip("/")
    if method == "GET":
        return next((dialect for pattern, dialect in POLLS if pattern.search(path)), None)
    parts = api_path.split(path)
    if method != "POST" or "/presets/" in path or (parts and parts[1].partition("/")[0] in api_path.NO_CALLS):
        return None
    known = next((dialect for end, dialect in CALLS.items() if path.endswith(end)), None)
    if known is not None:
        return known
    return UNKNOWN if parts is not None and not path.endswith("/cancel") else None
