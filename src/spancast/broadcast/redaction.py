"""The redactor of one destination: what it is shown of the content of a span, and what happens when it fails.

A redactor is the application's own code, so it may raise, or never return. It therefore runs in a thread of its own,
with a time limit for each text: when it exceeds the limit, the content is withheld and the span is sent without it. The
first text has a longer limit, since a redactor may load something on first use. While the redactor is still busy with a
span that was given up, the content of others is withheld at once. It is not shown roles, names of tools and the like.
"""

import json
import os
import threading
from collections.abc import Mapping
from typing import Any

from spancast.base import guard
from spancast.base.background import Background
from spancast.base.importing import import_plain_function
from spancast.contract import Attribute
from spancast.records.redacted import NAMING, Redact, redacted_text, without_removed
from spancast.semconv import names

LIMIT_SECONDS = 0.05
"""The time limit for one text."""
FIRST_LIMIT_SECONDS = 5.0
"""The time limit for the first text."""
FAILED, TOO_SLOW = "redact failed", "redact took too long"
"""Why content was withheld."""

_SHAPED = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS, names.TOOL_DEFINITIONS}
"""Content in the shape of the conventions: messages, parts, tools."""
_PARTS = "parts"


class Redactor:
    """The redactor of one destination. Not thread-safe."""

    def __init__(self, destination: str, redact: Redact | str) -> None:
        """Redact with a function, or with the one that `module:function` names.

        Raises:
            ConfigurationError: where it cannot be imported.
        """
        self._destination = destination
        self._redact: Redact = import_plain_function(f"redact of {destination}", redact)
        self._background = Background(f"spancast-redact-{destination}")
        self._is_warm = False
        self._given_up: tuple[int, _Redaction] | None = None
        """The process and the work that took too long in it."""

    def redacted(self, content: Mapping[str, Attribute]) -> tuple[Mapping[str, Attribute], str | None]:
        """Return what may be sent of the content, and `None`; or nothing, and why it is withheld."""
        if not content:
            return content, None
        if self._is_busy():
            return {}, TOO_SLOW
        work = _Redaction(self._redact, content)
        if not self._background.submit(work) or not self._watched(work):
            return {}, self._warned(TOO_SLOW, "it takes too long")
        if work.error is not None:  # the text of the exception may be the content itself
            return {}, self._warned(FAILED, f"it raised {type(work.error).__qualname__}")
        return work.found, None

    def _warned(self, reason: str, why: str) -> str:
        name = self._destination
        guard.warn(f"{name} redact", "%s: redact= fails, and content is withheld: %s.", name, why)
        return reason

    def _is_busy(self) -> bool:
        """Whether it is still busy with work that was given up; a forked child does not have that thread."""
        if self._given_up is None:
            return False
        process, work = self._given_up
        return process == os.getpid() and not work.done.is_set()

    def _watched(self, work: "_Redaction") -> bool:
        """Wait until all is redacted; return `False` when one text exceeds the time limit."""
        last_steps = 0
        while not work.done.wait(LIMIT_SECONDS if self._is_warm or last_steps else FIRST_LIMIT_SECONDS):
            if work.steps == last_steps:
                work.is_given_up = True
                self._given_up = os.getpid(), work
                return False
            last_steps = work.steps
        self._is_warm = True
        return True


class _Redaction:
    """The content of one span, as work for another thread."""

    size = 0

    def __init__(self, redact: Redact, content: Mapping[str, Attribute]) -> None:
        self._redact, self._content = redact, content
        self.found: dict[str, Attribute] = {}
        self.error: BaseException | None = None
        self.steps = 0
        """How many texts and attributes have been redacted."""
        self.is_given_up = False
        self.done = threading.Event()

    def run(self) -> None:
        try:
            for name, value in self._content.items():
                kept = self._attribute(name, value)
                if kept is not None:
                    self.found[name] = kept
                self.steps += 1
        except BaseException as error:  # noqa: BLE001 - the redactor is the application's own, whatever it raises
            self.error = error
        finally:
            self.done.set()

    def skip(self) -> None:
        self.error = TimeoutError()
        self.done.set()

    def _attribute(self, name: str, value: Attribute) -> Attribute | None:
        if not isinstance(value, str):
            return self._text(_json(value))
        parsed = _parsed(value)
        if not isinstance(parsed, dict | list):
            return self._text(value)
        return _json(self._shaped(parsed) if name in _SHAPED else self._value(parsed))

    def _shaped(self, value: Any) -> Any:
        """Return what may be sent of messages or parts."""
        if isinstance(value, list):
            return [kept for each in value if (kept := self._shaped(each)) is not None]
        if not isinstance(value, dict):
            return self._value(value)
        redacted = {
            key: each if key in NAMING else self._shaped(each) if key == _PARTS else self._value(each)
            for key, each in value.items()
        }
        return without_removed(redacted, value)

    def _value(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, list):
            return [self._value(each) for each in value]
        if isinstance(value, dict):
            return {key: self._value(each) for key, each in value.items()}
        return value

    def _text(self, text: str) -> str | None:
        if self.is_given_up:
            raise TimeoutError
        redacted = redacted_text(self._redact, text)
        self.steps += 1
        return redacted


def _parsed(text: str) -> Any:
    """Return the value of JSON text; `None` for what is no JSON, or nested too deep."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
