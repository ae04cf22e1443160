"""What settings are that nobody states: the platform's place for state, and what OpenTelemetry's own variables say."""

import os
from pathlib import Path

import platformdirs

from spancast.settings.reading import MODES
from spancast.settings.settings import ContentMode


def home() -> Path:
    """Return where this platform keeps the state of programs."""
    return platformdirs.user_state_path("spancast", appauthor=False)


def content() -> ContentMode:
    """Return what the conventions' own variable says; what they do not know is, as with them, no content."""
    mode = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    return "span_only" if mode.strip().lower() == "true" else MODES.get(mode.strip().lower(), "no_content")


def event() -> bool | None:
    """Return what the conventions' own variable says; `None` where it says nothing."""
    said = os.environ.get("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT", "").strip().lower()
    return said == "true" if said else None


def enabled() -> bool:
    """Whether the SDK's own variable leaves OpenTelemetry on."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
