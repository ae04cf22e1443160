"""Makes spans safe: whatever an application has put on one, every exporter can encode it and every platform accept it.

Texts are bounded and have no lone surrogates, numbers are finite and fit into 64 bits, values are of a type that an
attribute may have, and the number of attributes is bounded. A span that needs no repair is returned itself, not a copy.
What was changed is reported, to be counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from spancast.base.bounded import TRUNCATED, encodable, json_text, real, whole
from spancast.base.units import INT64_MAX
from spancast.contract import Attribute, Event, Span

CUT, REPAIRED, LEFT_OUT = "sent with texts cut", "sent with values mended", "sent with attributes left out"
"""What may have been done to a span."""

LONGEST = 100_000
"""Characters of one text; Spancast itself captures none that is longer."""
LONGEST_CONTENT = 4_000_000
"""Characters of one attribute that holds content; what Spancast captures of a call is shorter."""
LONGEST_NAME = 1024
"""Characters of the name of an attribute, and of a span."""
MOST = 1_000
"""The most attributes of a span, events of a span, and values of a list."""
ROOM = 4_000_000
"""Characters of all texts together that are not content."""
LEVELS = 8
"""Levels of nesting of a value that is no list of scalars, and therefore becomes JSON text."""

_MOST_TIME = INT64_MAX
"""Nanoseconds; in the year 2262."""


def safe(span: Span) -> tuple[Span, frozenset[str]]:
    """Return the span made safe, and what was done to it."""
    if _needs_no_repair(span):
        return span, frozenset()
    repair = _Repair()
    made = repair.span(span)
    changed = {name: value for name, value in made.items() if value is not getattr(span, name)}
    return (replace(span, **changed) if changed else span), frozenset(repair.done)


def safe_content(content: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
    """Return content made safe."""
    return _Repair().content(content)


def _needs_no_repair(span: Span) -> bool:
    """Whether a quick check finds nothing to repair: so it is with nearly every span, and each destination checks."""
    texts = {name: text for name in _TEXTS if (text := getattr(span, name)) is not None}
    values, labels = (span.attributes, span.resource), (span.tags, span.metadata, texts)
    return (
        not span.events
        and 0 <= span.start <= span.end <= _MOST_TIME
        and sum(map(len, (*values, *labels))) <= MOST
        and bool(span.name)
        and _is_text(span.name, LONGEST_NAME)
        and all(_need_no_repair(each, _ONE_OF_MANY) for each in (*values, *labels))
        and all(type(text) is str for each in labels for text in each.values())
        and _need_no_repair(span.content, LONGEST_CONTENT)
    )


_ONE_OF_MANY = ROOM // MOST
"""Characters of a text that always fits, even beside the most others."""


def _need_no_repair(attributes: Mapping[Any, Any], longest: int) -> bool:
    for name, value in attributes.items():
        kind = type(value)
        if kind is str:
            is_ok = _is_text(value, longest)
        elif kind is int:
            is_ok = -_TOO_LARGE <= value < _TOO_LARGE
        elif kind is float:
            is_ok = isfinite(value)
        elif kind is tuple:
            is_ok = len(value) <= _FEW and all(type(each) is str and _is_text(each, longest // _FEW) for each in value)
        else:
            is_ok = kind is bool
        if not is_ok or type(name) is not str or not name or not _is_text(name, LONGEST_NAME):
            return False
    return True


_TOO_LARGE = INT64_MAX + 1
_FEW = 16


def _is_text(value: str, longest: int) -> bool:
    if len(value) > longest:
        return False
    if value.isascii():
        return True
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Repair:
    """Repairs one span; what needs no repair is returned itself, not a copy."""

    def __init__(self) -> None:
        self.done: set[str] = set()
        self._room = ROOM

    def span(self, span: Span) -> dict[str, Any]:
        """Return the fields of a span: repaired, or the same objects."""
        return {
            "name": self._name(span.name) or "unnamed",
            "start": self._time(span.start),
            "end": self._time(span.end),
            **{name: self._optional(getattr(span, name)) for name in _TEXTS},
            "attributes": self.attributes(span.attributes),
            "resource": self._plain(span.resource, str | bool | int | float),
            "tags": self._plain(span.tags, str),
            "metadata": self._plain(span.metadata, str),
            "events": self._events(span.events),
            "content": self.content(span.content),
        }

    def content(self, content: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
        """Return content, each attribute of which may be as long as everything else together."""
        before, self._room = self._room, LONGEST_CONTENT * MOST
        found = self.attributes(content, LONGEST_CONTENT)
        self._room = before
        return found

    def attributes(self, attributes: Mapping[str, Any], longest: int = LONGEST) -> Mapping[str, Any]:
        """Return attributes: at most `MOST`, each of a type that an attribute may have."""
        found: dict[str, Any] = {}
        for key, value in attributes.items():
            if len(found) == MOST or self._room <= 0:
                self.done.add(LEFT_OUT)
                break
            name, kept = self._name(key), self._value(value, longest)
            if name is None or kept is None:
                self.done.add(LEFT_OUT)
            else:
                found[name] = kept
        return attributes if _same(attributes, found) else found

    def _plain(self, attributes: Mapping[str, Any], kinds: Any) -> Mapping[str, Any]:
        """Return attributes whose values are of these types, or JSON text."""
        found = {
            key: value if isinstance(value, kinds) else self._json(value)
            for key, value in self.attributes(attributes).items()
        }
        return attributes if _same(attributes, found) else found

    def _events(self, events: Sequence[Event]) -> Sequence[Event]:
        found = [self._event(each) for each in events[:MOST]]
        if len(events) > MOST:
            self.done.add(LEFT_OUT)
        elif all(one is other for one, other in zip(events, found, strict=True)):
            return events
        return tuple(found)

    def _event(self, event: Event) -> Event:
        name, time = self._name(event.name) or "unnamed", self._time(event.time)
        attributes = self.attributes(event.attributes)
        if name is event.name and time is event.time and attributes is event.attributes:
            return event
        return Event(name=name, time=time, attributes=attributes)

    def _value(self, value: Any, longest: int) -> Any:
        """Return a value of a type that an attribute may have; `None` for `None`."""
        match value:
            case None | bool():
                return value
            case str():
                return self._text(value, longest)
            case int() | float():
                return self._noted(value, whole(value) if isinstance(value, int) else real(value))
            case list() | tuple() if _is_plain(value[:MOST]):
                return self._list(value, longest)
        self.done.add(REPAIRED)
        if isinstance(value, bytes | bytearray):
            return self._text(bytes(value[: longest + 1]).decode("utf-8", "replace"), longest)
        return self._json(value)

    def _list(self, value: Sequence[Any], longest: int) -> Sequence[Any]:
        """Return values of one type; where one of them has to become text, all do."""
        kept = [self._value(each, longest) for each in value[:MOST]]
        if len(value) > MOST:
            self.done.add(CUT)
        elif all(one is other for one, other in zip(value, kept, strict=True)):
            return value
        if any(isinstance(each, str) for each in kept):
            kept = [each if isinstance(each, str) else self._json(each) for each in kept]
        return tuple(kept)

    def _text(self, value: str, longest: int) -> str:
        kept, most = value, min(longest, self._room)
        if len(value) > most:
            kept = value[:most] + TRUNCATED
            self.done.add(CUT)
        self._room -= min(len(value), most)
        return str(self._noted(kept, encodable(kept)))

    def _json(self, value: Any) -> str:
        written = json_text(value, min(LONGEST, self._room), LEVELS)
        self._room -= len(written)
        return written

    def _name(self, value: object) -> str | None:
        if not isinstance(value, str) or not value:
            return None
        kept = value[:LONGEST_NAME] if len(value) > LONGEST_NAME else value
        if kept is not value:
            self.done.add(CUT)
        return str(self._noted(kept, encodable(kept)))

    def _optional(self, value: Any) -> str | None:
        return None if value is None else self._text(value, LONGEST) if isinstance(value, str) else self._json(value)

    def _time(self, value: int) -> int:
        return int(self._noted(value, min(max(value, 0), _MOST_TIME)))

    def _noted(self, value: Any, kept: Any) -> Any:
        """Return the repaired value, and note that there was a repair; where it is equal, return the value itself."""
        if type(kept) is type(value) and kept == value:
            return value
        self.done.add(REPAIRED)
        return kept


_TEXTS = ("status_message", "user", "session", "trace_name", "environment", "release")


def _is_plain(values: Sequence[Any]) -> bool:
    """Whether a list holds scalars of one type, as an attribute's must."""
    kinds = {type(each) for each in values}
    return len(kinds) <= 1 and kinds <= {str, bool, int, float}


def _same(before: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return len(before) == len(found) and all(name in before and before[name] is value for name, value in found.items())
