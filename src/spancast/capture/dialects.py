"""The table from a route to its dialect."""

import re

from spancast.capture import api_path
from spancast.capture.chat import CHAT, COMPLETION
from spancast.capture.decisions import DECISIONS
from spancast.capture.dialect import Dialect
from spancast.capture.embeddings import EMBEDDINGS
from spancast.capture.images import IMAGE
from spancast.capture.jobs import BATCH, BATCH_POLL, VIDEO, VIDEO_POLL
from spancast.capture.messages import MESSAGES
from spancast.capture.rerank import RERANK
from spancast.capture.responses import RESPONSES
from spancast.capture.speech import SPEECH
from spancast.capture.transcriptions import TRANSCRIPTION
from spancast.capture.unknown import UNKNOWN

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
"""What is asked for, by the end of the path of a POST; of two that fit, the first."""

POLLS: tuple[tuple[re.Pattern[str], Dialect], ...] = (
    (re.compile(r"/videos/(?!models$)[^/]+$"), VIDEO_POLL),
    (re.compile(r"/batches/[^/]+$"), BATCH_POLL),
)
"""The GETs that tell how a job stands, by the end of their path."""


def dialect_of(method: str, path: str) -> Dialect | None:
    """Return the dialect of a request to a host that speaks OpenRouter; `None` where no model is asked."""
    path = path.rstrip("/")
    if method == "GET":
        return next((dialect for end, dialect in POLLS if end.search(path)), None)
    parts = api_path.split(path)
    if method != "POST" or "/presets/" in path or (parts and parts[1].partition("/")[0] in api_path.NO_CALLS):
        return None
    known = next((dialect for end, dialect in CALLS.items() if path.endswith(end)), None)
    if known is not None:
        return known
    return UNKNOWN if parts is not None and not path.endswith("/cancel") else None
