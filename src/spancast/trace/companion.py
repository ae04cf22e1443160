"""A span of the application's own as exporters are given it."""

from typing import cast

from spancast import contract
from spancast.records.foreign import Foreign, Value
from spancast.records.resource import ENVIRONMENT, RELEASE, text_of
from spancast.trace import names


def companion(kept: Foreign, encoder: contract.Encoder) -> contract.Span:
    """Return the span that was kept."""
    return contract.Span(
        name=kept.name,
        trace_id=kept.trace_id,
        span_id=kept.span_id,
        parent_span_id=kept.parent_span_id,
        kind=kept.kind,
        start=kept.started_at,
        end=kept.ended_at,
        status=kept.status,
        status_message=kept.status_message,
        attributes=_attributes(kept.attributes),
        content=_attributes(kept.words),
        events=[
            contract.Event(name=each.name, time=each.time, attributes=_attributes(each.attributes))
            for each in kept.events
        ],
        user=kept.user,
        session=kept.session,
        tags={
            name.removeprefix(names.TAG): value
            for name, value in kept.attributes.items()
            if name.startswith(names.TAG) and isinstance(value, str)
        },
        environment=text_of(kept.resource, ENVIRONMENT),
        release=text_of(kept.resource, RELEASE),
        resource=kept.resource,
        scope=kept.scope,
        generation=None,
        encoder=encoder,
    )


def _attributes(kept: dict[str, Value]) -> dict[str, contract.Attribute]:
    """Return attributes of which OpenTelemetry has seen to it that a sequence is of one kind."""
    return cast("dict[str, contract.Attribute]", kept)
