"""What providers say in their own words, where OpenRouter passes it on beside the normalised ones."""

import msgspec


class Native(msgspec.Struct, frozen=True):
    """The words of one provider's API: a native finish reason for each normalised one, and its form of reasoning."""

    stop: str
    tool_calls: str
    length: str
    reasoning: str
    """`reasoning_details[].format`."""
    error: str = "error"

    def finish_reason(self, normalised: str) -> str:
        """Return the native finish reason for `stop`, `tool_calls`, `length` or `error`."""
        reason: str = getattr(self, normalised)
        return reason


CHAT = Native("stop", "tool_calls", "length", "unknown")
RESPONSES = Native("completed", "completed", "max_output_tokens", "openai-responses-v1")
ANTHROPIC = Native("end_turn", "tool_use", "max_tokens", "anthropic-claude-v1")
GOOGLE = Native("STOP", "STOP", "MAX_TOKENS", "google-gemini-v1")
