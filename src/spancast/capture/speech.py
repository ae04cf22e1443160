"""POST /audio/speech: a sound, and its generation in the headers; no usage, no cost (OpenRouter API, speech)."""

from spancast.capture import plain
from spancast.capture.dialect import Dialect

SPEECH = Dialect(operation="speech", take=plain.take, opaque=True)
