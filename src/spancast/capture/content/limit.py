"""What is kept of the words: so many characters of a value, so many of a call, no secrets, and no media.

Where something was cut the text says so. The application's own redactor has the last word.
"""

from collections.abc import Callable, Sequence
from typing import Any

from spancast.base.scrub import REMOVED, names_secret, without_secrets
from spancast.capture.content import parts
from spancast.capture.content.media import holds_only_media, without_media
from spancast.capture.content.parts import Message, Part

VALUE = 100_000
"""Characters kept of one text."""
CALL = 500_000
"""Characters kept of all texts of a call; of the others only the length."""
ITEMS = 10_000
"""Values kept of a call: messages, parts, and what tools are given and give."""
NAME = 256
"""Characters kept of what names and does not speak."""
DEPTH = 24
"""Levels of nesting that are kept. On an event each is up to three of OTLP's, of which many readers take a hundred."""

Redact = Callable[[str], str | None]
"""Returns what may be kept of a text; `None` takes it away."""

_NAMES = frozenset({"type", "role", "modality", "mime_type", "id", "name", "finish_reason", "file_id"})
"""Members of a message and of a part that name and do not speak."""
_SPOKEN = frozenset({"content", "uri"})
"""Members that a part is without meaning without."""
_GIVEN = frozenset({"arguments", "response"})
"""Members that a part has to have, were it for nothing."""
_MARGIN = 4096
"""Characters behind a cut in which a secret is looked for that begins before it."""
_MAX_INTEGER = 2**63


class Limit:
    """Goes through the words of one call, what matters most first. Raises what the application's redactor raises."""

    def __init__(self, redact: Redact | None = None, secrets: Sequence[str] = ()) -> None:
        """`secrets` are the credentials of the request, which its words must not hold either."""
        self._redact = redact
        self._secrets = secrets
        self._characters = CALL
        self._items = ITEMS

    def messages(self, messages: list[Message]) -> list[Message]:
        """Return what is kept of messages; where there are too many, the last."""
        kept: list[Message] = []
        while len(kept) < len(messages) and self._room():
            message = messages[-1 - len(kept)]
            kept.append({**self._named(message), "parts": self.parts(message["parts"])})
        if cut := len(messages) - len(kept):
            kept.append(parts.message(None, [parts.text(f"[{cut} messages cut]")]))
        return kept[::-1]

    def parts(self, found: list[Part]) -> list[Part]:
        """Return what is kept of the parts of a message, or of the system's instructions."""
        kept: list[Part] = []
        for part in found:
            if not self._room():
                return [*kept, parts.text(f"[{len(found) - len(kept)} parts cut]")]
            words = {name: self.value(value, name=name) for name, value in part.items() if name not in _NAMES}
            gone = {name for name in words if words[name] is None is not part[name]} - _GIVEN
            if gone.isdisjoint(_SPOKEN):
                kept.append({**self._named(part), **{name: words[name] for name in words if name not in gone}})
        return kept

    def tools(self, defined: list[Part]) -> list[Part]:
        """Return what is kept of the definitions of tools."""
        kept = self.parts(defined)
        return [part if "name" in part else {"type": "function", "name": part["content"]} for part in kept]

    def value(self, value: Any, depth: int = 0, name: str = "", *, media: bool = False) -> Any:
        """Return what is kept of a value from JSON, which may be a member called `name`; `media` says that it is."""
        if isinstance(value, dict | list):
            if depth >= DEPTH:
                return "[nested too deep]"
            return self._object(value, depth) if isinstance(value, dict) else self._list(value, depth)
        if value and not isinstance(value, bool) and names_secret(name):
            return REMOVED
        if isinstance(value, int) and abs(value) >= _MAX_INTEGER:
            value = str(value)
        return self._text(value, media=media) if isinstance(value, str) else value

    def _object(self, value: dict[str, Any], depth: int) -> dict[str, Any]:
        kept: dict[str, Any] = {}
        for number, (name, each) in enumerate(value.items()):
            if not self._room():
                return {**kept, f"[{len(value) - number} members cut]": None}
            # OpenTelemetry takes no name without a character.
            kept[self._name(name) or "[empty]"] = self.value(each, depth + 1, name, media=holds_only_media(name, value))
        return kept

    def _list(self, value: list[Any], depth: int) -> list[Any]:
        kept: list[Any] = []
        for each in value:
            if not self._room():
                return [*kept, f"[{len(value) - len(kept)} values cut]"]
            kept.append(self.value(each, depth + 1))
        return kept

    def _room(self) -> bool:
        self._items -= 1
        return self._items >= 0

    def _named(self, part: Part) -> Part:
        """Return the members that name what this is; they are not the redactor's to change."""
        return {name: self._name(value) for name, value in part.items() if name in _NAMES and isinstance(value, str)}

    def _name(self, written: str) -> str:
        return _encodable(self._scrubbed(written[: NAME + _MARGIN])[:NAME])

    def _text(self, written: str, *, media: bool = False) -> str | None:
        words = without_media(written, only=media)
        room = min(VALUE, self._characters)
        seen = self._scrubbed(words[: room + _MARGIN])
        kept, cut = seen[:room], len(words) - min(len(words), room + _MARGIN) + max(0, len(seen) - room)
        self._characters -= len(kept)
        kept = _encodable(f"{kept}[{cut} characters cut]" if cut else kept)
        return kept if self._redact is None else _redacted(self._redact, kept)

    def _scrubbed(self, words: str) -> str:
        return without_secrets(words, self._secrets)


def _redacted(redact: Redact, words: str) -> str | None:
    kept: Any = redact(words)
    if kept is None or isinstance(kept, str):
        return kept and _encodable(kept)
    raise TypeError(f"redact= returned a {type(kept).__name__}; it must return a string, or None to take it away.")


def _encodable(written: str) -> str:
    return written if written.isascii() else written.encode("utf-8", "replace").decode("utf-8")
