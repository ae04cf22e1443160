"""What an application's redactor may change in the content of a call, and what is left of what it changed."""

from collections.abc import Callable, Mapping
from typing import Any

from spancast.base.bounded import encodable

Redact = Callable[[str], str | None]
"""Returns what may be stored or sent of a text; `None` removes it."""

NAMING = frozenset({"type", "role", "modality", "mime_type", "id", "name", "finish_reason", "file_id"})
"""Members of a message, a part and a tool that name it; a redactor is not shown them."""
REQUIRED = frozenset({"content", "uri"})
"""Members without which a part means nothing."""
KEPT_EMPTY = frozenset({"arguments", "response"})
"""Members that must exist even when empty."""


def redacted_text(redact: Redact, text: str) -> str | None:
    """Return what the redactor leaves of a text; `None` where it removes it.

    Raises:
        TypeError: where it returns anything else.
        Exception: whatever the redactor raises.
    """
    left: Any = redact(text)
    if left is None or isinstance(left, str):
        return left and encodable(left)
    raise TypeError(f"redact= returned a {type(left).__name__}; it must return a string, or None to remove the text.")


def without_removed(redacted: Mapping[str, Any], before: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return a part without the members that its redactor removed; `None` where it means nothing without them."""
    removed = {name for name, value in redacted.items() if value is None is not before[name]} - KEPT_EMPTY
    if not removed.isdisjoint(REQUIRED):
        return None
    return {name: value for name, value in redacted.items() if name not in removed}
