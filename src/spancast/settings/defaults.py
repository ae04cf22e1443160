"""Defaults that depend on the environment: the platform's directory for state, and OpenTelemetry's own variables."""

import os
from pathlib import Path

import platformdirs

from spancast.settings.reading import MODES
from spancast.settings.settings import ContentMode


def home() -> Path:
    """Return the platform's directory for the state of programs; a relative path if this user has no home directory."""
    try:
        return platformdirs.user_state_path("spancast", appauthor=False)
    except RuntimeError:  # there is neither HOME nor an entry in the user database
        return Path("~/.local/state/spancast")


def content() -> ContentMode:
    """Return the mode of the GenAI conventions' own variable; as there, an unknown value means no content."""
    mode = os.environ.get("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "")
    return "span_only" if mode.strip().lower() == "true" else MODES.get(mode.strip().lower(), "no_content")


def event() -> bool | None:
    """Return the value of the GenAI conventions' own variable; `None` if it is not set."""
    value = os.environ.get("OTEL_INSTRUMENTATION_GENAI_EMIT_EVENT", "").strip().lower()
    return value == "true" if value else None


def enabled() -> bool:
    """Whether the SDK's own variable leaves OpenTelemetry enabled."""
    return os.environ.get("OTEL_SDK_DISABLED", "").strip().lower() != "true"
