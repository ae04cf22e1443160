"""The words of a span: its content, and what the events of other libraries' spans hold of it."""

from collections.abc import Mapping
from dataclasses import replace

from spancast.contract import Attribute, Event, Span
from spancast.trace.spoken import MESSAGE, SPOKEN_EVENTS, holds_words, without_message


def words_of(span: Span) -> Mapping[str, Attribute]:
    """Return all words of a span, each by a name of its own."""
    if not span.events:
        return span.content
    of_events = {
        _name(number, name): value
        for number, event in enumerate(span.events)
        for name, value in event.attributes.items()
        if _is_word(event, name)
    }
    return {**span.content, **of_events} if of_events else span.content


def with_words(span: Span, words: Mapping[str, Attribute]) -> Span:
    """Return a span that has these words, by the names that `words_of` gives them, and none else."""
    if not span.events:
        return replace(span, content=words)
    events = [_with(event, number, words) for number, event in enumerate(span.events)]
    why = span.status_message
    for number, event in enumerate(span.events):
        why = without_message(why, event.attributes.get(MESSAGE), words.get(_name(number, MESSAGE)))
    content = {name: words[name] for name in span.content if name in words}
    return replace(span, content=content, events=events, status_message=why)


def _with(event: Event, number: int, words: Mapping[str, Attribute]) -> Event:
    kept = {
        name: words.get(_name(number, name), value) if _is_word(event, name) else value
        for name, value in event.attributes.items()
        if _name(number, name) in words or not _is_word(event, name)
    }
    return Event(name=event.name, time=event.time, attributes=kept)


def _is_word(event: Event, name: str) -> bool:
    return event.name.startswith(SPOKEN_EVENTS) or holds_words(name)


def _name(number: int, name: str) -> str:
    return f"{number}\0{name}"
