"""The table of dialects by route. It excludes jobs, which are started by one request and polled by another."""

from collections.abc import Mapping
from typing import Any

from spancast.testing.simulator.dialect import Dialect
from spancast.testing.simulator.dialects.chat import CHAT
from spancast.testing.simulator.dialects.completions import COMPLETIONS
from spancast.testing.simulator.dialects.decisions import DECISIONS
from spancast.testing.simulator.dialects.embeddings import EMBEDDINGS
from spancast.testing.simulator.dialects.images import IMAGES
from spancast.testing.simulator.dialects.messages import MESSAGES
from spancast.testing.simulator.dialects.rerank import RERANK
from spancast.testing.simulator.dialects.responses import RESPONSES
from spancast.testing.simulator.dialects.speech import SPEECH
from spancast.testing.simulator.dialects.transcriptions import TRANSCRIPTIONS

DIALECTS: Mapping[str, Dialect[Any]] = {
    "/v1/chat/completions": CHAT,
    "/v1/completions": COMPLETIONS,
    "/v1/responses": RESPONSES,
    "/v1/messages": MESSAGES,
    "/v1/embeddings": EMBEDDINGS,
    "/v1/rerank": RERANK,
    "/v1/images": IMAGES,
    "/v1/audio/speech": SPEECH,
    "/v1/audio/transcriptions": TRANSCRIPTIONS,
    "/v1/systemone": DECISIONS,
    "/alpha/decisions": DECISIONS,
}
"""The dialect of a POST, by its path below `/api`."""
