"""POST /embeddings: `usage` without an output; the model comes back without its author (OpenRouter API, embeddings)."""

from spancast.capture import plain
from spancast.capture.dialect import Dialect

EMBEDDINGS = Dialect(operation="embeddings", take=plain.take, takes_user=True)
