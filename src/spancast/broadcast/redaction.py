"""The redactor of one destination: what it may see of the words, and what happens when it fails.

Constraints: it is the application's own code, so it may raise, or never come back. It runs in a thread of its own, and
is watched: where it takes longer over one text than it has time, the words are withheld, and the span goes without
them. The first text may take longer, for what a redactor loads when it is first used. While it is still busy with one
that was given up, others are withheld at once. A role, the name of a tool and the like it is not shown.
"""

import json
import os
import threading
from collections.abc import Callable, Mapping
from typing import Any

from spancast.base import guard
from spancast.base.background import Background
from spancast.base.bounded import encodable
from spancast.base.importing import function
from spancast.contract import Attribute
from spancast.trace import names

Redact = Callable[[str], str | None]
"""Returns what may be sent of a text; `None` takes it away."""

PATIENCE = 0.05
"""Seconds for one text."""
FIRST_PATIENCE = 5.0
"""Seconds for the first."""
FAILED, TOO_SLOW = "redact failed", "redact took too long"
"""Why words were withheld."""

_SHAPED = {names.INPUT_MESSAGES, names.OUTPUT_MESSAGES, names.SYSTEM_INSTRUCTIONS, names.TOOL_DEFINITIONS}
"""Words in the shape of the conventions: messages, parts, tools."""
_NAMING = {"type", "role", "modality", "mime_type", "id", "name", "finish_reason", "file_id"}
"""Members of a message, a part and a tool that name and do not speak."""
_SPOKEN, _GIVEN = {"content", "uri"}, {"arguments", "response"}
"""Members that a part is without meaning without, and those that it has to have, were it for nothing."""
_PARTS = "parts"


class Redactor:
    """Of one destination. Not for several threads at once."""

    def __init__(self, destination: str, redact: Redact | str) -> None:
        """Use a function, or `module:function`; raise `ConfigurationError` for what cannot be imported."""
        self._destination = destination
        self._redact: Redact = function(f"redact of {destination}", redact)
        self._background = Background(f"spancast-redact-{destination}")
        self._is_warm = False
        self._given_up: tuple[int, _Redaction] | None = None
        """The work that took too long, and the process in which it did."""

    def redacted(self, content: Mapping[str, Attribute]) -> tuple[Mapping[str, Attribute], str | None]:
        """Return what may be sent of the words, and `None`; or nothing, and why."""
        if not content:
            return content, None
        if self._is_busy():
            return {}, TOO_SLOW
        work = _Redaction(self._redact, content)
        if not self._background.leave(work) or not self._watched(work):
            return {}, self._told(TOO_SLOW, "it takes too long")
        if work.error is not None:  # what it says may be the very words
            return {}, self._told(FAILED, f"it raised {type(work.error).__qualname__}")
        return work.found, None

    def _told(self, reason: str, why: str) -> str:
        name = self._destination
        guard.once_a_minute(f"{name} redact", "%s: redact= fails, and words are withheld: %s.", name, why)
        return reason

    def _is_busy(self) -> bool:
        """Whether it is still at what was given up; a fork leaves the thread of that behind."""
        if self._given_up is None:
            return False
        process, work = self._given_up
        return process == os.getpid() and not work.done.is_set()

    def _watched(self, work: "_Redaction") -> bool:
        """Wait until all is redacted; give up, and return `False`, when nothing happens for too long."""
        seen = 0
        while not work.done.wait(PATIENCE if self._is_warm or seen else FIRST_PATIENCE):
            if work.steps == seen:
                work.is_given_up = True
                self._given_up = os.getpid(), work
                return False
            seen = work.steps
        self._is_warm = True
        return True


class _Redaction:
    """The words of one span, as work for another thread."""

    size = 0

    def __init__(self, redact: Redact, content: Mapping[str, Attribute]) -> None:
        self._redact, self._content = redact, content
        self.found: dict[str, Attribute] = {}
        self.error: BaseException | None = None
        self.steps = 0
        """How far it has got."""
        self.is_given_up = False
        self.done = threading.Event()

    def do(self) -> None:
        try:
            for name, words in self._content.items():
                kept = self._words(name, words)
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

    def _words(self, name: str, words: Attribute) -> Attribute | None:
        if not isinstance(words, str):
            return self._text(_written(words))
        read = _read(words)
        if not isinstance(read, dict | list):
            return self._text(words)
        return _written(self._shaped(read) if name in _SHAPED else self._value(read))

    def _shaped(self, seen: Any) -> Any:
        """Return what may be sent of messages or parts."""
        if isinstance(seen, list):
            return [kept for each in seen if (kept := self._shaped(each)) is not None]
        if not isinstance(seen, dict):
            return self._value(seen)
        kept = {
            key: value if key in _NAMING else self._shaped(value) if key == _PARTS else self._value(value)
            for key, value in seen.items()
        }
        gone = {key for key, value in kept.items() if value is None is not seen[key]} - _GIVEN
        if not gone.isdisjoint(_SPOKEN):
            return None
        return {key: value for key, value in kept.items() if key not in gone}

    def _value(self, seen: Any) -> Any:
        if isinstance(seen, str):
            return self._text(seen)
        if isinstance(seen, list):
            return [self._value(each) for each in seen]
        if isinstance(seen, dict):
            return {key: self._value(value) for key, value in seen.items()}
        return seen

    def _text(self, seen: str) -> str | None:
        if self.is_given_up:
            raise TimeoutError
        kept: Any = self._redact(seen)
        if kept is not None and not isinstance(kept, str):
            raise TypeError(
                f"redact returned a {type(kept).__name__}; it must return a string, or None to take it away."
            )
        self.steps += 1
        return None if kept is None else encodable(kept)


def _read(words: str) -> Any:
    """Return what JSON text means; `None` for what is none, or too deep."""
    try:
        return json.loads(words)
    except (ValueError, RecursionError):
        return None


def _written(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
