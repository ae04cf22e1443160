"""POST /audio/transcriptions: asked in JSON or as a form, billed by tokens or by seconds (OpenRouter API).

Its answer names neither a generation nor a provider; the headers do.
"""

from spancast.capture import plain
from spancast.capture.dialect import Dialect

TRANSCRIPTION = Dialect(operation="transcription", take=plain.take)
