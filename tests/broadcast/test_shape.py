"""A span as one destination has it: what the destination says of it, what it may not have, and nothing that hurts."""

import json
from dataclasses import replace

from spancast.broadcast.redaction import FAILED
from spancast.broadcast.safe import REPAIRED
from spancast.broadcast.shape import Shaper
from spancast.contract import Event, Span
from spancast.destinations.destination import Destination
from spancast.semconv import names
from tests.support.spans import WORDS, a_trace, of_application, of_call


def shaped(span: Span, **settings: object) -> Span:
    return Shaper(Destination("otlp", **settings)).shaped(span).span


def test_without_a_wish_nothing_changes():
    for span in a_trace():
        made = Shaper(Destination("otlp")).shaped(span)
        assert made.span == replace(span, name=made.span.name)
        assert (made.withheld, made.done) == (None, frozenset())
        assert made.span.attributes is span.attributes
        assert made.span.resource is span.resource


def test_the_destinations_metadata_wins_and_the_calls_stays_beside_it():
    span = of_call(metadata={"team": "blue", "a.b": "c"})
    made = shaped(span, metadata={"team": "red", "region.name": "eu"})
    assert made.metadata == {"team": "red", "a.b": "c", "region.name": "eu"}
    said = {key: value for key, value in made.attributes.items() if key.startswith(names.METADATA)}
    assert said == {
        "spancast.metadata.team": "red",
        "spancast.metadata.a_b": "c",
        "spancast.metadata.region_name": "eu",
    }
    assert span.metadata == {"team": "blue", "a.b": "c"}


def test_metadata_is_for_the_applications_spans_too():
    made = shaped(of_application("agent"), metadata={"team": "red"}, environment="production")
    assert made.metadata == {"team": "red"}
    assert made.attributes[names.METADATA + "team"] == "red"
    assert made.environment == "production"


def test_the_environment_is_the_destinations_else_the_requests_else_the_resources():
    assert shaped(of_call()).environment == "staging"
    assert shaped(of_call(environment="canary")).environment == "canary"
    assert shaped(of_call(environment="canary"), environment="production").environment == "production"


def test_what_is_said_of_environment_and_release_is_said_of_the_resource():
    made = shaped(of_call(environment="canary", release="8.0"), environment="production")
    assert made.resource["deployment.environment.name"] == "production"
    assert made.resource["service.version"] == "8.0"
    assert made.resource["service.name"] == "shop"


def test_a_destination_in_private_has_no_words_and_everything_else():
    span = of_call(WORDS)
    made = shaped(span, privacy=True)
    assert not made.content
    assert made == replace(span, content={})


def test_words_are_redacted_for_one_destination_alone():
    span = of_call(WORDS)
    redacted = shaped(span, redact=lambda text: text.replace("Paris", "[city]"))
    assert "Paris" not in json.dumps(dict(redacted.content))
    assert redacted.content.keys() == span.content.keys()
    assert "Paris" in str(shaped(span).content)


def test_words_that_a_redactor_failed_on_are_withheld_and_it_is_told():
    made = Shaper(Destination("otlp", redact=lambda _: 1 / 0)).shaped(of_call(WORDS))
    assert (dict(made.span.content), made.withheld) == ({}, FAILED)
    assert made.span.attributes == of_call().attributes


SPOKEN = of_application(
    "chat",
    content={"input.value": "Paris"},
    events=[
        Event(name="gen_ai.user.message", time=1, attributes={"content": "Paris", "role": "user"}),
        Event(name="exception", time=2, attributes={"exception.type": "TimeoutError", "gen_ai.prompt": "Paris"}),
        Event(name="retry", time=3, attributes={"number": 2}),
    ],
)


def test_the_words_of_events_are_hidden_with_the_others():
    made = shaped(SPOKEN, privacy=True)
    assert (dict(made.content), [dict(event.attributes) for event in made.events]) == (
        {},
        [{}, {"exception.type": "TimeoutError"}, {"number": 2}],
    )
    assert [(event.name, event.time) for event in made.events] == [(each.name, each.time) for each in SPOKEN.events]


def test_the_words_of_events_are_redacted_with_the_others_and_withheld_with_them():
    made = shaped(SPOKEN, redact=lambda text: text.replace("Paris", "[city]"))
    assert (dict(made.content), [dict(event.attributes) for event in made.events]) == (
        {"input.value": "[city]"},
        [
            {"content": "[city]", "role": "user"},
            {"exception.type": "TimeoutError", "gen_ai.prompt": "[city]"},
            {"number": 2},
        ],
    )
    failed = shaped(SPOKEN, redact=lambda _: 1 / 0)
    assert (dict(failed.content), failed.events) == ({}, shaped(SPOKEN, privacy=True).events)


RAISED = replace(
    of_application("agent"),
    content={},
    status="error",
    status_message="ValueError: no Paris",
    events=[
        Event(name="exception", time=1, attributes={"exception.type": "ValueError", "exception.message": "no Paris"})
    ],
)


def test_what_an_exception_says_is_hidden_with_the_words_and_in_the_status_too():
    made = shaped(RAISED, privacy=True)
    assert (made.status_message, made.events[0].attributes) == ("ValueError", {"exception.type": "ValueError"})
    redacted = shaped(RAISED, redact=lambda text: text.replace("Paris", "[city]"))
    assert redacted.status_message == "ValueError: no [city]"
    assert "Paris" not in repr(redacted)


def test_a_span_is_placed_and_made_safe():
    span = of_call(parent_span_id=None, request_trace_id="a" * 32, generation_name="rank", metadata={"note": "\ud800"})
    made = Shaper(Destination("otlp")).shaped(span)
    assert (made.span.name, made.span.trace_id) == ("rank", "a" * 32)
    assert made.span.metadata == {"note": "?"}
    assert made.done == {REPAIRED}


def test_what_a_redactor_returns_is_made_safe():
    made = shaped(of_call(WORDS), redact=lambda _: "x" * 5_000_000)
    assert max(len(str(words)) for words in made.content.values()) < 4_000_100
