"""What all platforms that take plain OTLP share: requests, answers, the test, and the names of spans."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from operator import is_
from typing import Any

from spancast.contract import (
    Attribute,
    Encoded,
    OtherSender,
    Reply,
    Request,
    Span,
    Traits,
    Verdict,
    by_opentelemetry,
)
from spancast_exporters import _facts, _json, _options, _otlp


@dataclass(frozen=True, kw_only=True)
class Backend(ABC):
    """A platform with an address, a few headers, and attributes of its own.

    A request whose answer was lost is not sent again, unless the platform documents that it deduplicates spans.
    """

    traits: Traits = field(default=Traits(resend="duplicates"), init=False)

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        _options.check_endpoint(self.url, "https://HOST")
        for name, value in self._headers().items():
            if not (value.isascii() and value.isprintable() and value.strip()):
                raise ValueError(f"The value of the header {name} is empty, or cannot be in a header. Copy it again.")

    @property
    @abstractmethod
    def url(self) -> str:
        """The URL that spans are sent to."""

    @abstractmethod
    def _headers(self) -> Mapping[str, str]:
        """Return the headers with the credential and the project."""

    def _own(self, span: Span) -> tuple[Mapping[str, Attribute], Sequence[str]]:  # noqa: ARG002 - for the platforms
        """Return the attributes to add for this platform, and the names of those to drop."""
        return {}, ()

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - OTLP has no such time
        """Return requests within the platform's limits, before compression."""
        parts = ((span.span_id, self._encoded(span)) for span in spans)
        headers = self._headers()
        batches = _otlp.batches(parts, self.traits.max_bytes)
        return [_otlp.post(self.url, headers, ids, batch) for ids, batch in batches]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge as OTLP specifies; an HTML page is no acknowledgement."""
        return _otlp.judge_with_reason(encoded, reply)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return a request without spans, which a server should answer with success (OTLP specification 1.x)."""
        return _otlp.post(self.url, self._headers(), (), (), compressed=False).request

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do."""
        return _otlp.diagnose(reply, self.url, _cure(self))

    @property
    def also_sent_by(self) -> Sequence[OtherSender]:
        """Return what else may send the same calls there: anything that sends OTLP."""
        return (by_opentelemetry(self.url),)

    def _fitted(self, span: Span) -> Span:
        """Return the span within the platform's limits."""
        return span

    def _encoded(self, stated: Span) -> bytes:
        span = self._fitted(stated)
        add, drop = self._own(span)
        resource = {"deployment.environment.name": span.environment, "service.version": span.release}
        known = {key: _json.text(value) for key, value in resource.items() if value and span.resource.get(key) != value}
        return _otlp.encoded(replace(span, name=_name(span)), add, drop, known)


def _name(span: Span) -> str:
    """Return the name that the request gives (OpenRouter, Broadcast), else the span's own; a blank name is skipped."""
    named = (*_facts.requested_names(span), span.name)
    return without_nul(next((each for each in named if each.strip()), "unnamed"))


def without_nul(text: str) -> str:
    """Return a text without NUL, which PostgreSQL cannot store, and many platforms use it."""
    return text.replace("\0", "\ufffd") if "\0" in text else text


def _cure(backend: Backend) -> str:
    settings = (each for each in fields(backend) if "where" in each.metadata)
    return " ".join(f"{each.metadata.get('variables', (each.name,))[0]}: {each.metadata['where']}" for each in settings)


def tags(span: Span) -> tuple[str, ...]:
    """Return the tags as `key:value`."""
    return tuple(_json.text(f"{key}:{value}")[:200] for key, value in list(span.tags.items())[:100])


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits of a platform on attributes, wherever they are. `None` is no limit."""

    text: int
    """Characters of a text, by itself or in a list."""
    name: int | None = None
    """Characters of a name; an attribute with a longer one is left out."""
    values: int | None = None
    """Values of a list."""

    def fitted(self, span: Span) -> Span:
        """Return the span within the limits; parts that are within them stay the same objects."""
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
