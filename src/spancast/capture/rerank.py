"""POST /rerank: Cohere's shape, with `total_tokens` or `search_units` (OpenRouter API, rerank)."""

from spancast.capture import plain
from spancast.capture.dialect import Dialect

RERANK = Dialect(operation="rerank", take=plain.take)
