"""What is kept of the words: so many characters of a value, so many of a call, no secrets, and no media.

Where something was cut the text says so. The application's own redactor has the last word.
"""

import re
from collections.abc import Callable
from typing import Any

from spancast.capture.failure import without_secrets

VALUE = 100_000
"""Characters kept of one text."""
CALL = 500_000
"""Characters kept of all texts of a call; the others are only counted."""
DEPTH = 64
"""Levels of nesting that are kept."""

Redact = Callable[[str], str | None]
"""Returns what may be kept of a text; `None` is nothing."""

_NO_WORDS = frozenset({"type", "role", "modality", "mime_type", "id", "name", "finish_reason", "file_id"})
"""Members of a part that name and do not speak."""
_BASE64 = re.compile(r"(?:data:([\w.+-]+/[\w.+-]+)[^,\s]{0,100},)?[A-Za-z0-9+/_-]{2048,}={0,2}")
_MAX_INTEGER = 2**63


class Limit:
    """Goes through the words of one call."""

    def __init__(self, redact: Redact | None = None, secrets: tuple[str, ...] = ()) -> None:
        """`secrets` are the credentials of the request, which its words must not hold either."""
        self._redact = redact
        self._secrets = secrets
        self._left = CALL

    def kept(self, value: Any, depth: int = 0) -> Any:
        """Return what is kept of a value from JSON; raise what the application's redactor raises."""
        if isinstance(value, str):
            return self._text(value)
        if depth >= DEPTH:
            return "[nested too deep]" if isinstance(value, dict | list) else value
        if isinstance(value, dict):
            return {_encodable(key): self._member(key, each, depth) for key, each in value.items()}
        if isinstance(value, list):
            return [self.kept(each, depth + 1) for each in value]
        if isinstance(value, int) and abs(value) >= _MAX_INTEGER:
            return self._text(str(value))
        return value

    def _member(self, key: str, value: Any, depth: int) -> Any:
        if key in _NO_WORDS and isinstance(value, str):
            return _encodable(value[:VALUE])
        return self.kept(value, depth + 1)

    def _text(self, written: str) -> str | None:
        words = _BASE64.sub(_size, written)
        for secret in self._secrets:
            words = words.replace(secret, "[removed]")
        words = _cut(without_secrets(words), min(VALUE, self._left))
        self._left = max(0, self._left - len(words))
        words = _encodable(words)
        return words if self._redact is None else self._redact(words)


def _cut(words: str, length: int) -> str:
    return words if len(words) <= length else f"{words[:length]}[{len(words) - length} characters cut]"


def _size(found: "re.Match[str]") -> str:
    start = found.end(1) if found[1] else found.start()
    kind = f"{found[1]}, " if found[1] else ""
    return f"[{kind}{(found.end() - start) * 3 // 4} bytes]"


def _encodable(written: str) -> str:
    return written if written.isascii() else written.encode("utf-8", "replace").decode("utf-8")
