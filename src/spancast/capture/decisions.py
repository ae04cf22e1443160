"""POST /systemone and POST /decisions: the Decisions API (openrouter SDK, DecisionsResponse)."""

from spancast.capture import plain
from spancast.capture.dialect import Dialect

DECISIONS = Dialect(operation="decision", take=plain.take)
