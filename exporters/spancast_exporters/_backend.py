"""What is the same on every platform that takes plain OTLP: the request, the answer, the test, and where names go."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import is_
from typing import Any
from urllib.parse import urlsplit

from spancast.contract import (
    Another,
    Attribute,
    Encoded,
    Reply,
    Request,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
    shown_url,
)
from spancast_exporters import _facts, _json, _otlp


@dataclass(frozen=True, kw_only=True)
class Backend(ABC):
    """A platform known by an address, a few headers and what it adds to a span.

    Nothing is sent again whose answer was lost, unless the platform says that it keeps one of two.
    """

    traits: Traits = field(default=Traits(resend="duplicates"), init=False)

    def __post_init__(self) -> None:
        """Refuse what cannot work."""
        _otlp.refuse_user(self.url)
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"{shown_url(self.url)!r} is no URL. Give endpoint= as https://HOST.")
        for name, value in self._headers().items():
            if not (value.isascii() and value.isprintable() and value.strip()):
                raise ValueError(f"What goes into the header {name} is empty or no header. Copy it once more.")

    @property
    @abstractmethod
    def url(self) -> str:
        """Where the spans go."""

    @abstractmethod
    def _headers(self) -> Mapping[str, str]:
        """Return the headers that say whose the spans are."""

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:  # noqa: ARG002 - for the platforms
        """Return the attributes that the platform reads beside the conventions, and the names it is not to have."""
        return {}, ()

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP tells no such time
        """Return requests of a size that the platform takes, before compression."""
        parts = ((span.span_id, self._encoded(span)) for span in spans)
        headers = self._headers()
        batches = _otlp.batches(parts, self.traits.max_bytes)
        return [_otlp.post(self.url, headers, ids, batch) for ids, batch in batches]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP says, and believe no page."""
        return _otlp.judge_worded(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - nothing of it is told
        """Return a request without spans, which a server should answer with success (OTLP specification 1.x)."""
        return _otlp.post(self.url, self._headers(), (), (), compressed=False).request

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and the cure."""
        return _otlp.diagnosed(reply, self.url, _cure(self))

    @property
    def also_sent_by(self) -> Sequence[Another]:
        """Return who else may send there: whatever sends OTLP."""
        return (by_opentelemetry(self.url),)

    def _fitted(self, span: Span) -> Span:
        """Return the span with no more in it than the platform takes."""
        return span

    def _encoded(self, stated: Span) -> bytes:
        span = self._fitted(stated)
        add, drop = self._own(span)
        resource = {"deployment.environment.name": span.environment, "service.version": span.release}
        known = {key: _json.text(value) for key, value in resource.items() if value and span.resource.get(key) != value}
        return _otlp.encoded(replace(span, name=_name(span)), add, drop, known)


def _name(span: Span) -> str:
    """Return what the request calls the span: a root by its trace (OpenRouter, Broadcast)."""
    called = _facts.names(span)
    of_trace = called.get("trace_name") if span.parent_span_id is None else None
    named = (of_trace, called.get("generation_name"), span.name)
    return without_nul(next((each for each in named if each and each.strip()), "unnamed"))


def without_nul(text: str) -> str:
    """Return a text without the character that PostgreSQL holds in none, which many platforms keep names in."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _cure(backend: Backend) -> str:
    told = (each for each in fields(backend) if "where" in each.metadata)
    return " ".join(f"{each.metadata.get('variables', (each.name,))[0]}: {each.metadata['where']}" for each in told)


def tags(span: Span) -> tuple[str, ...]:
    """Return the tags as `key:value`."""
    return tuple(_json.text(f"{key}:{value}")[:200] for key, value in list(span.tags.items())[:100])


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What a platform takes of attributes, wherever they are. `None` is no limit."""

    text: int
    """Characters of a text, by itself or in a list."""
    name: int | None = None
    """Characters of a name; an attribute with a longer one is left out."""
    values: int | None = None
    """Values of a list."""

    def fitted(self, span: Span) -> Span:
        """Return the span within the limits; what is within them stays the very same object."""
        parts = [span.attributes, span.content, span.resource, *(each.attributes for each in span.events)]
        attributes, content, resource, *of_events = cut = [*map(self._within, parts)]
        if all(map(is_, cut, parts)):
            return span
        events = [replace(each, attributes=mine) for each, mine in zip(span.events, of_events, strict=True)]
        return replace(span, attributes=attributes, content=content, resource=resource, events=events)

    def _within(self, stated: Mapping[str, Any]) -> Mapping[str, Any]:
        kept = {name: self._cut(value) for name, value in stated.items() if len(name) <= (self.name or len(name))}
        same = len(kept) == len(stated) and all(kept[name] is value for name, value in stated.items())
        return stated if same else kept

    def _cut(self, value: object) -> object:
        if isinstance(value, str):
            return value if len(value) <= self.text else value[: self.text]
        if not isinstance(value, list | tuple):
            return value
        cut = [self._cut(each) for each in value[: self.values]]
        same = len(cut) == len(value) and all(map(is_, cut, value))
        return value if same else cut
