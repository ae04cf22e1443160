"""What W3C baggage says of whom a call is for, and what is said there for others."""

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from opentelemetry import baggage, context, trace
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.sdk.trace import TracerProvider

from spancast import attribute
from spancast.attribution import resolution, rules
from spancast.attribution.attribution import UNKNOWN, Attribution, Pseudonym
from spancast.attribution.rules import Rules

KEY = b"k" * 32


@contextmanager
def carrying(**entries: object) -> Iterator[None]:
    """Be in a context whose baggage says so; `_` in a name is a dot."""
    inside = context.get_current()
    for name, value in entries.items():
        inside = baggage.set_baggage(name.replace("_", "."), value, inside)
    token = context.attach(inside)
    try:
        yield
    finally:
        context.detach(token)


def sent() -> str:
    """Return the header that OpenTelemetry would send now."""
    carrier: dict[str, str] = {}
    W3CBaggagePropagator().inject(carrier)
    return carrier.get("baggage", "")


def test_without_baggage_it_says_nothing() -> None:
    assert resolution.current() == UNKNOWN


def test_baggage_says_whom_calls_are_for() -> None:
    rules.set_rules(Rules(baggage_keys=("tenant", "absent")))
    with carrying(user_id="u_1", session_id="s_1", tenant="acme", secret="x"):
        assert resolution.current() == Attribution("u_1", "s_1", {"tenant": "acme"})


def test_a_block_wins_over_baggage_which_wins_over_the_defaults() -> None:
    rules.set_rules(Rules(Attribution("default", "default", {"a": "d", "b": "d", "c": "d"}), ("a", "b")))
    with carrying(user_id="bag", a="bag", b="bag"):
        assert resolution.current() == Attribution("bag", "default", {"a": "bag", "b": "bag", "c": "d"})
        with attribute(user="block", tags={"a": "block"}):
            assert resolution.current() == Attribution("block", "default", {"a": "block", "b": "bag", "c": "d"})


@pytest.mark.parametrize(("written", "read"), [(42, None), ("", None), (None, None), ("u" * 600, "u" * 512)], ids=repr)
def test_what_is_no_text_in_baggage_is_unknown(written: object, read: str | None) -> None:
    with carrying(user_id=written):
        assert resolution.current().user == read


def test_baggage_may_be_read_of_a_context_that_is_not_the_current_one() -> None:
    other = baggage.set_baggage("user.id", "u_1", context.Context())
    assert resolution.current(other).user == "u_1"
    assert resolution.current().user is None


def test_nothing_is_written_unless_it_is_asked_for() -> None:
    with attribute(user="u_1", session="s_1"):
        assert sent() == ""


def test_what_holds_inside_is_written_with_the_tags_that_the_settings_name() -> None:
    rules.set_rules(Rules(baggage_keys=("tenant",)))
    with attribute(user="ü 1"), attribute(session="s_1", tags={"tenant": "acme", "mood": "good"}, propagate=True):
        assert sent() == "user.id=%C3%BC+1,session.id=s_1,tenant=acme"
        with attribute(user="u_2"):
            assert baggage.get_baggage("user.id") == "ü 1"
    assert sent() == ""


def test_what_stood_there_before_stands_there_again() -> None:
    with carrying(user_id="gateway", other="x"):
        with attribute(user="u_1", propagate=True):
            with attribute(user="u_2", session="s_2", propagate=True):
                assert sent() == "user.id=u_2,other=x,session.id=s_2"
            assert sent() == "user.id=u_1,other=x"
        assert sent() == "user.id=gateway,other=x"


def test_blocks_left_in_the_order_they_were_entered_take_only_their_own_along() -> None:
    first, second = attribute(user="u_1", propagate=True), attribute(session="s_2", propagate=True)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert sent() == "session.id=s_2"
    second.__exit__(None, None, None)
    assert sent() == ""


def test_a_span_that_begins_inside_and_ends_outside_changes_nothing() -> None:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("test")
    with attribute(user="u_1", propagate=True):
        with tracer.start_as_current_span("inside") as span:
            assert sent() == "user.id=u_1"
        block = attribute(user="u_2", propagate=True).__enter__()
        with tracer.start_as_current_span("around") as span:
            block.__exit__(None, None, None)
            assert trace.get_current_span() is span
            assert sent() == "user.id=u_1"


def test_a_decorated_generator_says_it_in_its_steps_alone() -> None:
    @attribute(user="u_1", propagate=True)
    def generate() -> Iterator[str]:
        yield sent()
        yield sent()

    generator = generate()
    assert [next(generator), sent(), next(generator), sent()] == ["user.id=u_1", "", "user.id=u_1", ""]
    generator.close()  # type: ignore[attr-defined]


def test_a_decorated_asynchronous_generator_says_it_in_its_steps_alone() -> None:
    @attribute(user="u_1", propagate=True)
    async def generate() -> AsyncIterator[str]:
        yield sent()
        await asyncio.sleep(0)
        yield sent()

    async def consume() -> list[str]:
        return [said async for each in generate() for said in (each, sent())]

    assert asyncio.run(consume()) == ["user.id=u_1", "", "user.id=u_1", ""]


def test_a_generator_that_is_collected_takes_its_own_along() -> None:
    def generate() -> Iterator[None]:
        with attribute(user="generator", propagate=True):
            yield

    generator: Any = generate()
    next(generator)
    with attribute(session="s_1", propagate=True):
        assert sent() == "user.id=generator,session.id=s_1"
        del generator
        gc.collect()
        assert sent() == "session.id=s_1"
    assert sent() == ""


def test_tasks_at_once_are_never_mixed() -> None:
    async def work(name: str) -> set[str]:
        with attribute(user=name, propagate=True):
            await asyncio.sleep(0)
            return {sent()}

    async def main() -> list[set[str]]:
        return await asyncio.gather(*(work(f"u_{number}") for number in range(50)))

    assert asyncio.run(main()) == [{f"user.id=u_{number}"} for number in range(50)]


def test_a_pseudonym_is_what_is_written_and_it_is_not_pseudonymised_again() -> None:
    rules.set_rules(Rules(hash_key=KEY))
    with attribute(user="u_1"):
        pseudonym = resolution.current().user
        with attribute(propagate=True):
            header = sent()
    assert pseudonym is not None
    assert header == f"user.id={pseudonym},spancast.pseudonym=hmac"
    token = context.attach(W3CBaggagePropagator().extract({"baggage": header}))
    try:
        assert resolution.current().user == pseudonym
    finally:
        context.detach(token)


def test_no_entry_is_the_users_own_id_where_users_are_pseudonymised() -> None:
    rules.set_rules(Rules(hash_key=KEY, baggage_keys=("owner",)))
    with attribute(user="u_1", session="u_1", tags={"owner": "u_1"}, propagate=True):
        assert "u_1" not in sent()


def test_a_pseudonym_that_is_handed_on_is_taken_as_it_is() -> None:
    rules.set_rules(Rules(hash_key=KEY))
    with attribute(user=Pseudonym("abc")):
        assert resolution.current().user == "abc"


NAMES = st.none() | st.sampled_from(["a", "b"])


@given(st.lists(st.tuples(NAMES, NAMES, st.booleans()), max_size=5))
def test_after_any_nesting_baggage_says_what_it_said(levels: list[tuple[str | None, str | None, bool]]) -> None:
    def enter(rest: list[Any], standing: str) -> None:
        if rest:
            name, session, propagate = rest[0]
            with attribute(user=name, session=session, propagate=propagate):
                enter(rest[1:], sent())
        assert sent() == standing

    with carrying(user_id="before"):
        enter(levels, sent())
