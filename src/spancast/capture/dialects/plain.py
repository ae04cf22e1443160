"""Routes whose answer is one JSON object around content that is not read: an envelope and a `usage`.

They are declared here together, since they differ in nothing but their names and in what their requests may hold.
"""

from spancast.capture.dialects.dialect import Dialect
from spancast.capture.json_decoder import Decoder
from spancast.capture.reading import Envelope, Reading

_decode = Decoder(Envelope)


def _read(reading: Reading, answer: Envelope) -> None:
    reading.add_envelope(answer)
    reading.add_usage(answer.usage)


EMBEDDINGS = Dialect(operation="embeddings", decode=_decode, read=_read, takes_user=True)
"""POST /embeddings: `usage` without an output; the model comes back without its author (OpenRouter API, embeddings)."""
RERANK = Dialect(operation="rerank", decode=_decode, read=_read)
"""POST /rerank: Cohere's shape, with `total_tokens` or `search_units` (OpenRouter API, rerank)."""
SPEECH = Dialect(operation="speech", decode=_decode, read=_read, opaque=True)
"""POST /audio/speech: audio, and its generation in the headers; no usage, no cost (OpenRouter API, speech)."""
TRANSCRIPTION = Dialect(operation="transcription", decode=_decode, read=_read)
"""POST /audio/transcriptions: requested in JSON or as a form, billed by tokens or by seconds (OpenRouter API).

The answer names neither its generation nor its provider; the headers do.
"""
DECISIONS = Dialect(operation="decision", decode=_decode, read=_read)
"""POST /systemone and POST /decisions: the Decisions API (openrouter SDK, DecisionsResponse)."""
UNKNOWN = Dialect(operation="unknown", decode=_decode, read=_read, opaque=True)
"""A route that is not known: only the headers are read, and nothing is guessed."""
