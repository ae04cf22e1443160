"""What is stored of content: so many characters of a value, so many of a call, no secrets, and no media.

Where something was cut the text says so. The application's own redactor runs last.
"""

from collections.abc import Sequence
from typing import Any

from spancast.base.bounded import encodable
from spancast.base.scrub import REMOVED, names_secret, without_secrets
from spancast.capture.content import parts
from spancast.capture.content.media import holds_only_media, without_media
from spancast.capture.content.parts import Message, Part
from spancast.records.redacted import NAMING, Redact, redacted_text, without_removed

VALUE = 100_000
"""Characters stored of one text."""
CALL = 500_000
"""Characters stored of all texts of a call; of the others only the length."""
ITEMS = 10_000
"""Values stored of a call: messages, parts, and the arguments and results of tools."""
NAME = 256
"""Characters stored of a name, such as a role or the id of a tool call."""
DEPTH = 24
"""Levels of nesting that are stored. Each is up to three levels of OTLP on an event; many readers accept a hundred."""

_MARGIN = 4096
"""Characters after a cut that are searched for the rest of a secret that begins before it."""
_MAX_INTEGER = 2**63


class Limit:
    """The room for the content of one call, used up as values pass: the most important are to be passed first.

    Its methods raise what the application's redactor raises.
    """

    def __init__(self, redact: Redact | None = None, secrets: Sequence[str] = ()) -> None:
        """Limit content that `redact` is to see; `secrets` are the credentials of the request, removed from it too."""
        self._redact = redact
        self._secrets = secrets
        self._characters = CALL
        self._items = ITEMS

    def messages(self, messages: list[Message]) -> list[Message]:
        """Return what is stored of messages; where there are too many, the last."""
        kept: list[Message] = []
        while len(kept) < len(messages) and self._room():
            message = messages[-1 - len(kept)]
            kept.append({**self._named(message), "parts": self.parts(message["parts"])})
        if cut := len(messages) - len(kept):
            kept.append(parts.message(None, [parts.text(f"[{cut} messages cut]")]))
        return kept[::-1]

    def parts(self, found: list[Part]) -> list[Part]:
        """Return what is stored of the parts of a message, or of the system instructions."""
        kept: list[Part] = []
        for part in found:
            if not self._room():
                return [*kept, parts.text(f"[{len(found) - len(kept)} parts cut]")]
            content = {name: self.value(value, name=name) for name, value in part.items() if name not in NAMING}
            left = without_removed(content, part)
            if left is not None:
                kept.append({**self._named(part), **left})
        return kept

    def tools(self, defined: list[Part]) -> list[Part]:
        """Return what is stored of the definitions of tools."""
        kept = self.parts(defined)
        return [part if "name" in part else {"type": "function", "name": part["content"]} for part in kept]

    def value(self, value: Any, depth: int = 0, name: str = "", *, media: bool = False) -> Any:
        """Return what is stored of a JSON value.

        Args:
            value: the value.
            depth: the levels of nesting above it.
            name: the name of the member that it is the value of, if any.
            media: whether it is known to be media.
        """
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
            # OpenTelemetry accepts no empty name.
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
        """Return the members that name a part, which the redactor is not shown."""
        return {name: self._name(value) for name, value in part.items() if name in NAMING and isinstance(value, str)}

    def _name(self, written: str) -> str:
        return encodable(self._scrubbed(written[: NAME + _MARGIN])[:NAME])

    def _text(self, written: str, *, media: bool = False) -> str | None:
        text = without_media(written, only=media)
        room = min(VALUE, self._characters)
        scrubbed = self._scrubbed(text[: room + _MARGIN])
        kept, cut = scrubbed[:room], len(text) - min(len(text), room + _MARGIN) + max(0, len(scrubbed) - room)
        self._characters -= len(kept)
        kept = encodable(f"{kept}[{cut} characters cut]" if cut else kept)
        return kept if self._redact is None else self._redacted(self._redact, kept)

    def _redacted(self, redact: Redact, kept: str) -> str | None:
        """Return what the redactor leaves of a text, cut where it has made it longer than there is room for."""
        left = redacted_text(redact, kept)
        if left is None or len(left) <= len(kept):
            return left
        room = max(len(kept), min(VALUE, len(kept) + self._characters))
        self._characters -= min(len(left), room) - len(kept)
        return left if len(left) <= room else f"{left[:room]}[{len(left) - room} characters cut]"

    def _scrubbed(self, text: str) -> str:
        return without_secrets(text, self._secrets)
