"""The dialects have the keys of recorded traffic, in the recorded order if that is known."""

import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import pytest

from spancast.testing import Simulator
from tests.support.shared import needs_shared
from tests.testing import recorded
from tests.testing.asking import ask, got, posted
from tests.testing.wire import Reply

pytestmark = needs_shared

TOOL = {"type": "function", "name": "get_weather", "parameters": {"type": "object", "properties": {}}}
VIDEO = {"model": "x-ai/grok-imagine-video", "prompt": "a calm ocean wave at sunset", "duration": 1}


def polled(openrouter: Simulator) -> Reply:
    job = posted(openrouter, "/videos", VIDEO, {"X-Simulator-Polls": "0"})
    return got(openrouter, f"/videos/{job.json['id']}")


OURS: dict[str, Callable[[Simulator], Reply]] = {
    "embeddings": lambda openrouter: ask(openrouter, "embeddings"),
    "rerank": lambda openrouter: ask(openrouter, "rerank"),
    "image": lambda openrouter: ask(openrouter, "image"),
    "transcription": lambda openrouter: ask(openrouter, "transcription"),
    "video": lambda openrouter: posted(openrouter, "/videos", VIDEO),
    "video_poll": polled,
}
"""A response of each operation that is recorded plain."""


@pytest.mark.parametrize("operation", OURS)
def test_an_answer_has_every_key_that_openrouter_always_sends_and_none_that_it_never_sent(
    openrouter: Simulator, operation: str
):
    seen = [set(recorded.paths(json.loads(one["response"]["body"]))) for one in recorded.of(operation)]
    ours = set(recorded.paths(OURS[operation](openrouter).json))
    assert set.intersection(*seen) <= ours <= set.union(*seen)


@pytest.mark.parametrize("operation", ["rerank", "image", "video", "video_poll"])
def test_the_keys_stand_in_the_recorded_order(openrouter: Simulator, operation: str):
    newest = max(recorded.of(operation), key=lambda one: (one["recorded"], len(one["response"]["body"])))
    theirs, ours = json.loads(newest["response"]["body"]), OURS[operation](openrouter).json
    assert list(ours) == list(theirs)
    assert list(ours.get("usage", {})) == list(theirs.get("usage", {}))


@pytest.mark.parametrize("operation", ["rerank", "image", "speech", "video"])
def test_a_header_names_what_a_recorded_one_does(openrouter: Simulator, operation: str):
    answered = OURS.get(operation, lambda simulator: ask(simulator, operation))(openrouter)
    for name in ("content-type", "x-generation-id", "x-provider-name"):
        assert (name in answered.headers) is all(name in one["response"]["headers"] for one in recorded.of(operation))


@cache
def streams() -> list[list[Any]]:
    """Return the events of the recorded streams of Responses, as the server sent them."""
    found = [one for one in recorded.of("responses") if one["stream"] and one["fidelity"] == "verbatim"]
    return [recorded.events(one["response"]["body"]) for one in found]


def kinds(events: list[Any]) -> Iterator[str]:
    """Yield the types of a stream's events, without consecutive duplicates."""
    for place, event in enumerate(events):
        if place == 0 or events[place - 1]["type"] != event["type"]:
            yield event["type"]


@pytest.mark.parametrize("body", [{}, {"input": "What is the weather?", "tools": [TOOL]}], ids=["words", "call"])
def test_a_stream_of_responses_has_events_in_a_recorded_order(openrouter: Simulator, body: dict):
    events = ask(openrouter, "responses", stream=True, **body).events
    assert list(kinds(events)) in [list(kinds(each)) for each in streams()]


def test_an_event_of_responses_has_every_key_that_openrouter_always_sends(openrouter: Simulator):
    events = [
        event
        for body in ({}, {"model": "openai/gpt-5-mini"}, {"input": "What is the weather?", "tools": [TOOL]})
        for event in ask(openrouter, "responses", stream=True, **body).events
    ]
    for kind in {event["type"] for each in streams() for event in each}:
        theirs = [set(event) for each in streams() for event in each if event["type"] == kind]
        ours = [set(event) for event in events if event["type"] == kind]
        assert ours
        assert set.intersection(*theirs) <= set.intersection(*ours)


def test_the_object_of_responses_has_its_keys_in_the_recorded_order(openrouter: Simulator):
    theirs = [each[-1]["response"] for each in streams()]
    ours = ask(openrouter, "responses", stream=True).events[-1]["response"]
    assert list(ours) in [list(each) for each in theirs]
    assert set.intersection(*(set(each["usage"]) for each in theirs)) <= set(ours["usage"])


def test_a_stream_of_responses_is_framed_as_recorded(openrouter: Simulator):
    body = ask(openrouter, "responses", stream=True).body.decode()
    for one in recorded.of("responses"):
        if one["stream"] and one["fidelity"] == "verbatim":
            assert one["response"]["body"].endswith("data: [DONE]\n\n") is body.endswith("data: [DONE]\n\n")
            assert ("event:" in one["response"]["body"]) is ("event:" in body)
