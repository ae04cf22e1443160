"""Which of the words about a call stands, and how the user is written."""

import hmac
from collections.abc import Callable
from itertools import combinations
from typing import Any

import pytest
from opentelemetry import baggage, context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from spancast import attribute
from spancast.attribution import resolution, rules
from spancast.attribution.attribution import Attribution
from spancast.attribution.rules import Rules
from spancast.trace.stamp import Stamp

KEY = b"k" * 32
U_1 = hmac.new(KEY, b"u_1", "sha256").hexdigest()

LEVELS = ("body", "header", "block", "baggage", "default")
"""From what wins over all others to what gives way to all."""


@pytest.mark.parametrize("spoken", [each for size in range(1, 6) for each in combinations(LEVELS, size)], ids="-".join)
def test_the_first_that_says_something_stands(spoken: tuple[str, ...]) -> None:
    rules.set_rules(Rules(Attribution(session="default") if "default" in spoken else Attribution()))
    bag = baggage.set_baggage("session.id", "baggage") if "baggage" in spoken else context.get_current()
    token = context.attach(bag)
    try:
        with attribute(session="block" if "block" in spoken else None):
            asked = {"session": "body"} if "body" in spoken else {"session": None}
            found = resolution.with_attribution(asked, "header" if "header" in spoken else None)
    finally:
        context.detach(token)
    assert found["session"] == spoken[0]


def test_what_a_request_says_of_its_user_wins() -> None:
    with attribute(user="block"):
        assert resolution.with_attribution({"user": "body", "request_model": "m"}, None) == {
            "user": "body",
            "session": None,
            "tags": {},
            "request_model": "m",
        }
        assert resolution.with_attribution({"user": None}, None)["user"] == "block"


def test_without_a_key_a_user_is_written_as_it_is() -> None:
    facts = {"user": "u_1", "metadata": {"user_id": "u_1"}}
    with attribute(tags={"user": "u_1"}):
        found = resolution.with_attribution(facts, None)
    assert (found["user"], found["metadata"], found["tags"]) == ("u_1", {"user_id": "u_1"}, {"user": "u_1"})


@pytest.mark.parametrize(
    "say",
    [
        lambda: resolution.with_attribution({"user": "u_1"}, None),
        attribute(user="u_1")(lambda: resolution.with_attribution({}, None)),
        lambda: rules.set_rules(Rules(Attribution(user="u_1"), hash_key=KEY)) or resolution.with_attribution({}, None),
    ],
    ids=["body", "block", "default"],
)
def test_with_a_key_its_pseudonym_is_written_wherever_it_was_said(say: Callable[[], Any]) -> None:
    rules.set_rules(Rules(hash_key=KEY))
    assert say()["user"] == U_1


def test_users_in_the_applications_own_words_are_pseudonymised_too() -> None:
    rules.set_rules(Rules(hash_key=KEY))
    facts = {"user": "u_1", "metadata": {"user_id": "u_1", "for": "u_1", "team": "blue"}}
    with attribute(tags={"User": "u_1", "feature": "search"}):
        found = resolution.with_attribution(facts, None)
    assert found["metadata"] == {"user_id": U_1, "for": U_1, "team": "blue"}
    assert found["tags"] == {"User": U_1, "feature": "search"}
    assert {type(each) for each in (found["user"], *found["metadata"].values(), *found["tags"].values())} == {str}


@pytest.mark.parametrize(
    "say",
    [
        lambda: resolution.with_attribution({"user": "u_1", "session": "u_1"}, None),
        lambda: resolution.with_attribution({"user": "u_1"}, "u_1"),
        attribute(user="u_1", session="u_1")(lambda: resolution.with_attribution({}, None)),
    ],
    ids=["body", "header", "block"],
)
def test_a_session_that_is_the_users_own_id_is_the_pseudonym_too(say: Callable[[], Any]) -> None:
    assert say()["session"] == "u_1"
    rules.set_rules(Rules(hash_key=KEY))
    assert say()["session"] == U_1
    assert resolution.with_attribution({"user": "u_1", "session": "u_1 today"}, None)["session"] == "u_1 today"


def test_users_differ_in_their_pseudonyms_and_a_key_of_ones_own_gives_others() -> None:
    def of(user: str, key: bytes) -> str:
        rules.set_rules(Rules(hash_key=key))
        return str(resolution.with_attribution({"user": user}, None)["user"])

    assert len({of(user, key) for user in ("u_1", "u_2", "ü") for key in (KEY, b"other")}) == 6


def test_spans_say_the_pseudonym() -> None:
    rules.set_rules(Rules(hash_key=KEY))
    kept, provider = InMemorySpanExporter(), TracerProvider(shutdown_on_exit=False)
    provider.add_span_processor(SimpleSpanProcessor(kept))
    provider.add_span_processor(Stamp())
    elsewhere = baggage.set_baggage("user.id", "u_1", context.Context())
    with attribute(user="u_1", session="u_1", tags={"owner": "u_1"}):
        provider.get_tracer("test").start_span("block").end()
        assert resolution.current() == Attribution(U_1, U_1, {"owner": U_1})
    provider.get_tracer("test").start_span("baggage", elsewhere).end()
    assert [(span.name, dict(span.attributes or {})) for span in kept.get_finished_spans()] == [
        ("block", {"user.id": U_1, "session.id": U_1, "spancast.tag.owner": U_1}),
        ("baggage", {"user.id": U_1}),
    ]


def test_the_key_is_not_shown() -> None:
    assert KEY.decode() not in repr(Rules(hash_key=KEY))
