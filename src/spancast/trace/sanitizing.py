"""Sanitizing the application's own spans: no value that a record cannot hold, no secret, and bounded sizes.

An application puts anything on its spans: a prompt of 100 MB, an integer of a thousand digits, text that is not valid
Unicode, a list with `None` in it. Each becomes the nearest value that can be stored, as for a destination
(`spancast.broadcast.safe`), so that the span itself is never lost; truncated text is marked where it was cut.
"""

from collections.abc import Mapping
from typing import Any

from opentelemetry.sdk.trace import Event

from spancast.base import guard
from spancast.base.bounded import TRUNCATED, encodable, whole
from spancast.base.scrub import names_secret, without_secrets
from spancast.records.app_span import SpanEvent, Value
from spancast.records.call import Scalar
from spancast.semconv.content import CONTENT_EVENT_PREFIXES, split_content

MAX_PLAIN_BYTES = 800_000
"""Bytes of all attributes without content; a record of the journal holds 3 MiB."""
MAX_TEXT_BYTES = 400_000
"""Bytes of one text without content: enough for the characters of a text that a destination is sent, in any script."""
MAX_CONTENT_BYTES = 1_600_000
"""Bytes of the content of a span."""
_VALUE_BYTES = 16
"""Bytes that a value takes besides its text."""
_MARGIN = 4096
"""Characters that are scanned behind a cut: a secret would not be recognised by its first half."""


class Sanitizer:
    """Sanitizes one span, once."""

    def __init__(self, *, content: bool) -> None:
        """Keep prompts and completions if `content` is set."""
        self._keeps_content = content
        self._plain = _Budget(MAX_PLAIN_BYTES, MAX_TEXT_BYTES)
        self._content = _Budget(MAX_CONTENT_BYTES, MAX_CONTENT_BYTES)

    def text(self, text: str) -> str:
        """Return a text of the span itself, such as its name."""
        return self._plain.text(text)

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Value]:
        """Return attributes that hold no content."""
        return self._plain.attributes(attributes)

    def content(self, attributes: Mapping[str, Any]) -> dict[str, Value]:
        """Return attributes that hold content; none if content is not kept."""
        return self._content.attributes(attributes) if self._keeps_content else {}

    def event(self, event: Event) -> SpanEvent:
        """Return an event."""
        plain, content = split_content(event.attributes or {})
        if event.name.startswith(CONTENT_EVENT_PREFIXES):
            plain, content = {}, {**plain, **content}
        return SpanEvent(self.text(event.name), event.timestamp, {**self.attributes(plain), **self.content(content)})

    def count_changes(self) -> None:
        """Count the span if anything was cut or replaced."""
        if self._plain.is_cut or self._content.is_cut:
            guard.count("span cut: a record holds no more")
        if self._plain.is_replaced or self._content.is_replaced:
            guard.count("span mended: a record holds no such value")


class _Budget:
    """A number of bytes for attributes, which sanitizing them uses up."""

    def __init__(self, remaining: int, max_text: int) -> None:
        self._remaining, self._max_text = remaining, max_text
        self.is_cut = self.is_replaced = False

    def attributes(self, attributes: Mapping[str, Any]) -> dict[str, Value]:
        """Return attributes without those whose name says secret, and without values that look like one."""
        kept: dict[str, Value] = {}
        for name, value in attributes.items():
            if self._remaining <= 0:
                self.is_cut = True
                break
            if not names_secret(name.rpartition(".")[2]):
                key = self._truncated(name)
                kept[key] = self._value(value)
        return kept

    def text(self, text: str) -> str:
        """Return a text without anything that looks like a secret, encodable in UTF-8, and within the budget."""
        scanned = self._limit + _MARGIN
        kept = without_secrets(text[:scanned])
        if len(text) > scanned:  # it may end in the first half of a secret
            return self._truncated(kept[:-_MARGIN], is_cut=True)
        return self._truncated(kept)

    @property
    def _limit(self) -> int:
        return max(0, min(self._max_text, self._remaining))

    def _truncated(self, text: str, *, is_cut: bool = False) -> str:
        kept, limit = str(self._replaced(text, encodable(text))), self._limit
        size = len(kept) if kept.isascii() else len(kept.encode())
        if is_cut or size > limit:
            kept, size = kept.encode()[:limit].decode("utf-8", "ignore") + TRUNCATED, min(size, limit)
            self.is_cut = True
        self._remaining -= size + _VALUE_BYTES
        return kept

    def _value(self, value: Any) -> Value:
        return self._scalar(value) if isinstance(value, str | bool | int | float) else self._list(value)

    def _list(self, values: Any) -> tuple[Scalar, ...]:
        """Return the values of a list, without `None`, which OpenTelemetry allows in it."""
        kept: list[Scalar] = []
        for value in values:
            if self._remaining <= 0:
                self.is_cut = True
                break
            if value is None:
                self.is_replaced = True
            else:
                kept.append(self._scalar(value))
        return tuple(kept)

    def _scalar(self, value: Scalar) -> Scalar:
        if isinstance(value, str):
            return self.text(value)
        self._remaining -= _VALUE_BYTES
        if isinstance(value, int) and not isinstance(value, bool):
            return self._replaced(value, whole(value))
        return value

    def _replaced(self, value: Scalar, kept: Scalar) -> Scalar:
        self.is_replaced = self.is_replaced or kept != value
        return kept
