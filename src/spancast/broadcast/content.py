"""All content of a span: its own, and what the events of other libraries' spans hold."""

from collections.abc import Mapping
from dataclasses import replace

from spancast.contract import Attribute, Event, Span
from spancast.semconv.content import CONTENT_EVENT_PREFIXES, EXCEPTION_MESSAGE, holds_content, without_exception_message


def content_of(span: Span) -> Mapping[str, Attribute]:
    """Return all content of a span, each attribute by a key of its own."""
    if not span.events:
        return span.content
    of_events = {
        _key(number, name): value
        for number, event in enumerate(span.events)
        for name, value in event.attributes.items()
        if _is_content(event, name)
    }
    return {**span.content, **of_events} if of_events else span.content


def with_content(span: Span, content: Mapping[str, Attribute]) -> Span:
    """Return a span with this content, by the keys of `content_of`, and no other."""
    if not span.events:
        return replace(span, content=content)
    events = [_with(event, number, content) for number, event in enumerate(span.events)]
    status_message = span.status_message
    for number, event in enumerate(span.events):
        message = event.attributes.get(EXCEPTION_MESSAGE)
        replacement = content.get(_key(number, EXCEPTION_MESSAGE))
        status_message = without_exception_message(status_message, message, replacement)
    own = {name: content[name] for name in span.content if name in content}
    return replace(span, content=own, events=events, status_message=status_message)


def _with(event: Event, number: int, content: Mapping[str, Attribute]) -> Event:
    kept = {
        name: content.get(_key(number, name), value) if _is_content(event, name) else value
        for name, value in event.attributes.items()
        if _key(number, name) in content or not _is_content(event, name)
    }
    return Event(name=event.name, time=event.time, attributes=kept)


def _is_content(event: Event, name: str) -> bool:
    return event.name.startswith(CONTENT_EVENT_PREFIXES) or holds_content(name)


def _key(number: int, name: str) -> str:
    return f"{number}\0{name}"
