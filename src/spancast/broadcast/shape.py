"""A span as one destination receives it: the step before its exporter encodes it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from spancast.broadcast import hierarchy
from spancast.broadcast.content import content_of, with_content
from spancast.broadcast.redaction import Redactor
from spancast.broadcast.safe import safe, safe_content
from spancast.contract import Attribute, Span
from spancast.destinations.destination import Destination
from spancast.records.call import Scalar
from spancast.records.resource import ENVIRONMENT, RELEASE
from spancast.semconv import names


@dataclass(frozen=True, slots=True)
class Shaped:
    """A shaped span, and what was done to it."""

    span: Span
    withheld: str | None
    """Why its content is missing; `None` where none was withheld."""
    done: frozenset[str]
    """What was done to it, by the names under which that is counted."""


class Shaper:
    """Shapes spans for one destination. Not thread-safe."""

    def __init__(self, destination: Destination) -> None:
        """Shape spans for `destination`.

        Raises:
            ConfigurationError: where its redactor cannot be imported.
        """
        self._destination = destination
        redact = destination.redact
        self._redactor = None if redact is None else Redactor(destination.name, redact)

    def shaped(self, span: Span) -> Shaped:
        """Return the span placed as its request says, with the destination's own attributes, made safe and redacted."""
        made, done = safe(with_destination_attributes(self._destination, hierarchy.placed(span)))
        content = {} if self._redactor is None else content_of(made)
        if self._redactor is None or not content:
            return Shaped(made, None, done)
        redacted, withheld = self._redactor.redacted(content)
        return Shaped(with_content(made, safe_content(redacted)), withheld, done)


def with_destination_attributes(destination: Destination, span: Span) -> Span:
    """Return a span with the metadata and the environment of a destination, and without content where it is private.

    The span's environment and release are set on its resource too, where most platforms look for them.
    """
    metadata, environment = destination.metadata, destination.environment or span.environment
    resource = _resource(span.resource, {ENVIRONMENT: environment, RELEASE: span.release})
    if destination.privacy and content_of(span):
        span = with_content(span, {})
    if not metadata and environment == span.environment and resource is span.resource:
        return span
    return replace(
        span,
        environment=environment,
        metadata={**span.metadata, **metadata} if metadata else span.metadata,
        attributes={**span.attributes, **_attributes(metadata)} if metadata else span.attributes,
        resource=resource,
    )


def _resource(resource: Mapping[str, Scalar], stated: Mapping[str, str | None]) -> Mapping[str, Scalar]:
    """Return a resource with what is stated; the same object where it states that already."""
    others = {name: value for name, value in stated.items() if value is not None and resource.get(name) != value}
    return {**resource, **others} if others else resource


def _attributes(metadata: Mapping[str, str]) -> Mapping[str, Attribute]:
    return {names.METADATA + key.replace(".", "_"): value for key, value in metadata.items()}
