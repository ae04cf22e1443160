"""Bytes in, Call out. No I/O, no OpenTelemetry; it knows OpenRouter's dialects and nothing of who listens."""
