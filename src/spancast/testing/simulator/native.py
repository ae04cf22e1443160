"""Providers' native values, which OpenRouter states in addition to the normalised ones."""

import msgspec


class Native(msgspec.Struct, frozen=True):
    """A provider API's native finish reason for each normalised one, and its format of reasoning."""

    stop: str
    tool_calls: str
    length: str
    content_filter: str
    reasoning: str
    """`reasoning_details[].format`."""
    error: str = "error"

    def finish_reason(self, normalised: str | None) -> str | None:
        """Return the native finish reason for a normalised one; `None` for `None`."""
        return None if normalised is None else str(getattr(self, normalised))


CHAT = Native("stop", "tool_calls", "length", "content_filter", "unknown")
RESPONSES = Native("completed", "completed", "max_output_tokens", "content_filter", "openai-responses-v1")
ANTHROPIC = Native("end_turn", "tool_use", "max_tokens", "refusal", "anthropic-claude-v1")
GOOGLE = Native("STOP", "STOP", "MAX_TOKENS", "SAFETY", "google-gemini-v1")
