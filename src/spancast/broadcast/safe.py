"""Spans made safe: whatever an application has put on one, every exporter can encode it, and no platform chokes on it.

A text has an end and no lone surrogate, a number is finite and fits into 64 bits, a value is of a kind that an
attribute may have; there are only so many attributes. What is well already is not touched: a span on which nothing was
changed is the very span that came in. What was changed is told, to be counted.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import Any

from spancast.base.bounded import TRUNCATED, encodable, json_text, real, whole
from spancast.contract import Attribute, Event, Span

CUT, MENDED, LEFT_OUT = "sent with texts cut", "sent with values mended", "sent with attributes left out"
"""What may have been done to a span."""

LONGEST = 100_000
"""Characters of one text. So long is one that Spancast captures itself at most."""
LONGEST_WORDS = 4_000_000
"""Characters of the words of one attribute; what Spancast captures of a call is shorter."""
LONGEST_NAME = 1024
"""Characters of the name of an attribute, and of a span."""
MOST = 1_000
"""Attributes of a span; events; values in a list."""
ROOM = 4_000_000
"""Characters of all texts together that are no words."""
LEVELS = 8
"""Levels of nesting kept of a value that is no list of plain values, which becomes JSON text."""

_MOST_TIME = 2**63 - 1
"""Nanoseconds; in the year 2262."""


def safe(span: Span) -> tuple[Span, frozenset[str]]:
    """Return the span, safe, and what was done to it."""
    if _is_well(span):
        return span, frozenset()
    mending = _Mending()
    made = mending.span(span)
    changed = {name: value for name, value in made.items() if value is not getattr(span, name)}
    return (replace(span, **changed) if changed else span), frozenset(mending.done)


def safe_words(content: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
    """Return words, safe."""
    return _Mending().words(content)


def _is_well(span: Span) -> bool:
    """Whether a quick look finds nothing to mend: nearly every span is so, and each destination has it looked at."""
    texts = {name: text for name in _TEXTS if (text := getattr(span, name)) is not None}
    values, labels = (span.attributes, span.resource), (span.tags, span.metadata, texts)
    return (
        not span.events
        and 0 <= span.start <= span.end <= _MOST_TIME
        and sum(map(len, (*values, *labels))) <= MOST
        and bool(span.name)
        and _is_text(span.name, LONGEST_NAME)
        and all(_are_well(each, _ONE_OF_MANY) for each in (*values, *labels))
        and all(type(text) is str for each in labels for text in each.values())
        and _are_well(span.content, LONGEST_WORDS)
    )


_ONE_OF_MANY = ROOM // MOST
"""Characters of a text of which there is room for all that there may be."""


def _are_well(seen: Mapping[Any, Any], longest: int) -> bool:
    for name, value in seen.items():
        kind = type(value)
        if kind is str:
            well = _is_text(value, longest)
        elif kind is int:
            well = -_BEYOND <= value < _BEYOND
        elif kind is float:
            well = isfinite(value)
        elif kind is tuple:
            well = len(value) <= _FEW and all(type(each) is str and _is_text(each, longest // _FEW) for each in value)
        else:
            well = kind is bool
        if not well or type(name) is not str or not name or not _is_text(name, LONGEST_NAME):
            return False
    return True


_BEYOND = 2**63
_FEW = 16


def _is_text(seen: str, longest: int) -> bool:
    if len(seen) > longest:
        return False
    if seen.isascii():
        return True
    try:
        seen.encode()
    except UnicodeEncodeError:
        return False
    return True


class _Mending:
    """Goes through one span; whatever is well already comes back as it is, not as a copy."""

    def __init__(self) -> None:
        self.done: set[str] = set()
        self._room = ROOM

    def span(self, span: Span) -> dict[str, Any]:
        """Return the fields of a span, of which those are others that had to be mended."""
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
            "content": self.words(span.content),
        }

    def words(self, content: Mapping[str, Attribute]) -> Mapping[str, Attribute]:
        """Return words, of which each may be as long as all else together."""
        before, self._room = self._room, LONGEST_WORDS * MOST
        found = self.attributes(content, LONGEST_WORDS)
        self._room = before
        return found

    def attributes(self, seen: Mapping[str, Any], longest: int = LONGEST) -> Mapping[str, Any]:
        """Return attributes: as many as there may be, each of a kind that one may have."""
        found: dict[str, Any] = {}
        for key, value in seen.items():
            if len(found) == MOST or self._room <= 0:
                self.done.add(LEFT_OUT)
                break
            name, kept = self._name(key), self._value(value, longest)
            if name is None or kept is None:
                self.done.add(LEFT_OUT)
            else:
                found[name] = kept
        return seen if _same(seen, found) else found

    def _plain(self, seen: Mapping[str, Any], kinds: Any) -> Mapping[str, Any]:
        """Return attributes whose values are of these kinds, or JSON text."""
        found = {
            key: value if isinstance(value, kinds) else self._json(value)
            for key, value in self.attributes(seen).items()
        }
        return seen if _same(seen, found) else found

    def _events(self, seen: Sequence[Event]) -> Sequence[Event]:
        found = [self._event(each) for each in seen[:MOST]]
        if len(seen) > MOST:
            self.done.add(LEFT_OUT)
        elif all(one is other for one, other in zip(seen, found, strict=True)):
            return seen
        return tuple(found)

    def _event(self, seen: Event) -> Event:
        name, time = self._name(seen.name) or "unnamed", self._time(seen.time)
        attributes = self.attributes(seen.attributes)
        if name is seen.name and time is seen.time and attributes is seen.attributes:
            return seen
        return Event(name=name, time=time, attributes=attributes)

    def _value(self, seen: Any, longest: int) -> Any:
        """Return what an attribute may be; `None` for nothing."""
        match seen:
            case None | bool():
                return seen
            case str():
                return self._text(seen, longest)
            case int() | float():
                return self._mended(seen, whole(seen) if isinstance(seen, int) else real(seen))
            case list() | tuple() if _is_plain(seen[:MOST]):
                return self._list(seen, longest)
        self.done.add(MENDED)
        if isinstance(seen, bytes | bytearray):
            return self._text(bytes(seen[: longest + 1]).decode("utf-8", "replace"), longest)
        return self._json(seen)

    def _list(self, seen: Sequence[Any], longest: int) -> Sequence[Any]:
        """Return values of one kind; where one of them has to become text, all do."""
        kept = [self._value(each, longest) for each in seen[:MOST]]
        if len(seen) > MOST:
            self.done.add(CUT)
        elif all(one is other for one, other in zip(seen, kept, strict=True)):
            return seen
        if any(isinstance(each, str) for each in kept):
            kept = [each if isinstance(each, str) else self._json(each) for each in kept]
        return tuple(kept)

    def _text(self, seen: str, longest: int) -> str:
        kept, most = seen, min(longest, self._room)
        if len(seen) > most:
            kept = seen[:most] + TRUNCATED
            self.done.add(CUT)
        self._room -= min(len(seen), most)
        return str(self._mended(kept, encodable(kept)))

    def _json(self, seen: Any) -> str:
        written = json_text(seen, min(LONGEST, self._room), LEVELS)
        self._room -= len(written)
        return written

    def _name(self, seen: object) -> str | None:
        if not isinstance(seen, str) or not seen:
            return None
        kept = seen[:LONGEST_NAME] if len(seen) > LONGEST_NAME else seen
        if kept is not seen:
            self.done.add(CUT)
        return str(self._mended(kept, encodable(kept)))

    def _optional(self, seen: Any) -> str | None:
        return None if seen is None else self._text(seen, LONGEST) if isinstance(seen, str) else self._json(seen)

    def _time(self, seen: int) -> int:
        return int(self._mended(seen, min(max(seen, 0), _MOST_TIME)))

    def _mended(self, seen: Any, kept: Any) -> Any:
        """Return what was kept of a value, and note that it is another; what is equal stays the very same."""
        if type(kept) is type(seen) and kept == seen:
            return seen
        self.done.add(MENDED)
        return kept


_TEXTS = ("status_message", "user", "session", "trace_name", "environment", "release")


def _is_plain(values: Sequence[Any]) -> bool:
    """Whether a list holds plain values of one kind, as an attribute's must."""
    kinds = {type(each) for each in values}
    return len(kinds) <= 1 and kinds <= {str, bool, int, float}


def _same(seen: Mapping[str, Any], found: Mapping[str, Any]) -> bool:
    return len(seen) == len(found) and all(name in seen and seen[name] is value for name, value in found.items())
