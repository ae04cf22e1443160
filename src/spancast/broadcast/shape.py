"""A span as one destination is to have it, before its exporter sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from spancast.broadcast import hierarchy
from spancast.broadcast.redaction import Redactor
from spancast.broadcast.safe import safe, safe_words
from spancast.broadcast.words import with_words, words_of
from spancast.contract import Attribute, Span
from spancast.destinations.destination import Destination
from spancast.records.call import Scalar
from spancast.records.resource import ENVIRONMENT, RELEASE
from spancast.trace import names


@dataclass(frozen=True, slots=True)
class Shaped:
    """What became of a span."""

    span: Span
    withheld: str | None
    """Why its words are not there; `None` where none were withheld."""
    done: frozenset[str]
    """What was done to it, in words that are counted."""


class Shaper:
    """Of one destination. Not for several threads at once."""

    def __init__(self, destination: Destination) -> None:
        """Shape spans for `destination`; raise `ConfigurationError` where its redactor cannot be imported."""
        self._destination = destination
        redact = destination.redact
        self._redactor = None if redact is None else Redactor(destination.name, redact)

    def shaped(self, span: Span) -> Shaped:
        """Return the span where its request says that it stands, with what the destination says, safe, and redacted."""
        made, done = safe(adorned(self._destination, hierarchy.placed(span)))
        said = {} if self._redactor is None else words_of(made)
        if self._redactor is None or not said:
            return Shaped(made, None, done)
        words, withheld = self._redactor.redacted(said)
        return Shaped(with_words(made, safe_words(words)), withheld, done)


def adorned(destination: Destination, span: Span) -> Span:
    """Return a span with the metadata and the environment of a destination, and without words where it is private.

    What the span says of environment and release is said of its resource too, since most platforms look there.
    """
    said, environment = destination.metadata, destination.environment or span.environment
    resource = _resource(span.resource, {ENVIRONMENT: environment, RELEASE: span.release})
    if destination.privacy and words_of(span):
        span = with_words(span, {})
    if not said and environment == span.environment and resource is span.resource:
        return span
    return replace(
        span,
        environment=environment,
        metadata={**span.metadata, **said} if said else span.metadata,
        attributes={**span.attributes, **_attributes(said)} if said else span.attributes,
        resource=resource,
    )


def _resource(resource: Mapping[str, Scalar], stated: Mapping[str, str | None]) -> Mapping[str, Scalar]:
    """Return a resource with what is stated; the very same where it says so already."""
    others = {name: value for name, value in stated.items() if value is not None and resource.get(name) != value}
    return {**resource, **others} if others else resource


def _attributes(said: Mapping[str, str]) -> Mapping[str, Attribute]:
    return {names.METADATA + key.replace(".", "_"): value for key, value in said.items()}
