"""Whom calls are for, wherever the code that makes them runs."""

import asyncio
import gc
import inspect
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from contextvars import copy_context
from decimal import Decimal
from functools import partial
from types import MappingProxyType
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from spancast import attribute
from spancast.attribution.attribution import UNKNOWN, Attribution
from spancast.attribution.context import current
from spancast.base import guard
from tests.support.features import Feature


def user() -> str | None:
    return current().user


def test_outside_of_every_block_nobody_is_known() -> None:
    assert (UNKNOWN.user, UNKNOWN.session, dict(UNKNOWN.tags)) == (None, None, {})


def test_a_block_says_whom_its_calls_are_for() -> None:
    with attribute(user="u_1", session="s_1", tags={"feature": "search"}):
        assert current() == Attribution("u_1", "s_1", {"feature": "search"})


def test_what_an_inner_block_does_not_say_is_inherited() -> None:
    with attribute(user="u_1", session="s_1", tags={"feature": "search", "tier": "free"}):
        with attribute(session="s_2", tags={"tier": "paid"}):
            assert current() == Attribution("u_1", "s_2", {"feature": "search", "tier": "paid"})
        assert current() == Attribution("u_1", "s_1", {"feature": "search", "tier": "free"})


def test_a_block_that_fails_is_left() -> None:
    with pytest.raises(LookupError), attribute(user="u_1"):
        raise LookupError


def test_a_block_may_be_used_again_and_inside_itself() -> None:
    block = attribute(user="u_1")
    with block:
        with attribute(user="u_2"), block:
            assert user() == "u_1"
        assert user() == "u_1"
    with block:
        assert user() == "u_1"


def test_the_mapping_that_was_given_may_change_afterwards() -> None:
    tags = {"feature": "search"}
    block = attribute(tags=tags)
    tags["feature"] = "other"
    with block:
        assert dict(current().tags) == {"feature": "search"}


class Odd:
    """Something that cannot be written."""

    def __str__(self) -> str:
        raise LookupError("no such name")


class OddMapping(dict[str, str]):
    def items(self) -> Any:
        raise LookupError("no such items")


@pytest.mark.parametrize(
    ("given_", "written"),
    [
        (42, "42"),
        (0, "0"),
        (False, "False"),
        (Decimal("1.50"), "1.50"),
        (UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        ("ü_\N{SNOWMAN}", "ü_\N{SNOWMAN}"),
        (Feature.SEARCH, "search"),
        ("", None),
        (None, None),
        pytest.param(Odd(), None, id="odd"),
    ],
    ids=repr,
)
def test_what_is_no_string_is_written_as_one_and_what_cannot_be_is_unknown(given_: object, written: str | None) -> None:
    tags = {"odd": given_, "even": "2"}
    with attribute(user=given_, session=given_, tags=tags):
        assert (current().user, current().session) == (written, written)
        assert dict(current().tags) == ({"odd": written, "even": "2"} if written else {"even": "2"})


@pytest.mark.parametrize(
    "tags", [["feature"], "feature", 7, Odd(), OddMapping(a="b")], ids=lambda each: str(type(each))
)
def test_tags_that_are_no_mapping_are_unknown_and_the_application_goes_on(
    tags: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "_last_logged", {})
    with attribute(user="u_1", tags=tags):
        assert current() == Attribution("u_1", None, {})
    assert [record.getMessage() for record in caplog.records] == [
        f"Tags of type {type(tags).__name__} are unknown. Give a mapping."
    ]


def test_a_key_that_is_no_string_is_written_as_one() -> None:
    with attribute(
        tags=MappingProxyType({7: "seven", Feature.SEARCH: "x", None: "nothing", Odd(): "odd", "": "empty"})
    ):
        assert dict(current().tags) == {"7": "seven", "search": "x"}


def test_a_decorated_function_runs_inside_the_block_and_looks_as_it_did() -> None:
    def act(first: int, *, second: str = "2") -> tuple[str | None, int, str]:
        """Say who it is for."""
        return user(), first, second

    decorated = attribute(user="u_1")(act)

    assert decorated(1, second="b") == ("u_1", 1, "b")
    assert inspect.signature(decorated) == inspect.signature(act)
    assert (decorated.__name__, decorated.__doc__, decorated.__module__) == ("act", act.__doc__, act.__module__)


def test_a_decorated_function_that_calls_itself_comes_back_out() -> None:
    @attribute(user="u_1")
    def count(down: int) -> list[str | None]:
        return [user(), *(count(down - 1) if down else []), user()]

    assert count(2) == ["u_1"] * 6


def test_a_decorated_method_knows_its_object() -> None:
    class Shop:
        name = "shop"

        @attribute(user="u_1")
        def ask(self) -> tuple[str, str | None]:
            return self.name, user()

    assert Shop().ask() == ("shop", "u_1")


def test_a_decorated_method_of_the_class_stays_one() -> None:
    class Shop:
        @attribute(user="u_1")
        @classmethod
        def of_class(cls) -> tuple[type, str | None]:
            return cls, user()

        @attribute(user="u_1")
        @staticmethod
        def of_nothing() -> str | None:
            return user()

    assert Shop().of_class() == Shop.of_class() == (Shop, "u_1")
    assert Shop().of_nothing() == Shop.of_nothing() == "u_1"


def test_a_class_is_left_as_it_is_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(guard, "_last_logged", {})

    class Shop:
        """Has functions of its own."""

    assert attribute(user="u_1")(Shop) is Shop
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.endswith("Shop is no function, and is not attributed. Decorate its functions.")


def test_a_decorated_object_that_is_called_asynchronously_runs_inside_the_block() -> None:
    class Asker:
        async def __call__(self) -> str | None:
            await asyncio.sleep(0)
            return user()

    assert asyncio.run(attribute(user="u_1")(Asker())()) == "u_1"


def test_a_decorated_coroutine_function_runs_inside_the_block() -> None:
    @attribute(user="u_1")
    async def act() -> str | None:
        await asyncio.sleep(0)
        return user()

    assert inspect.iscoroutinefunction(act)
    assert asyncio.run(act()) == "u_1"


class Thrown(Exception):  # noqa: N818 - what it is for
    """Thrown in by the consumer."""


def talker() -> Any:
    """Yield whom it is for, and whatever is sent or thrown in."""
    got: Any = user()
    while got != "stop":
        try:
            got = (yield got) or user()
        except Thrown as thrown:
            got = f"caught {thrown}"
    return f"returned for {user()}"


async def async_talker() -> AsyncIterator[Any]:
    got: Any = user()
    while got != "stop":
        await asyncio.sleep(0)
        try:
            got = (yield got) or user()
        except Thrown as thrown:
            got = f"caught {thrown}"


def test_a_decorated_generator_runs_inside_the_block_and_its_consumer_outside() -> None:
    decorated = attribute(user="u_1")(talker)
    assert inspect.isgeneratorfunction(decorated)
    with attribute(user="consumer"):
        generator = decorated()
        told = [next(generator), user(), generator.send("sent"), next(generator), generator.throw(Thrown("x")), user()]
        with pytest.raises(StopIteration) as end:
            generator.send("stop")
    assert told == ["u_1", "consumer", "sent", "u_1", "caught x", "consumer"]
    assert end.value.value == "returned for u_1"


def test_a_decorated_asynchronous_generator_runs_inside_the_block_and_its_consumer_outside() -> None:
    decorated: Any = attribute(user="u_1")(async_talker)
    assert inspect.isasyncgenfunction(decorated)

    async def consume() -> list[Any]:
        with attribute(user="consumer"):
            generator = decorated()
            told = [await anext(generator), user(), await generator.asend("sent"), await anext(generator)]
            told += [await generator.athrow(Thrown("x")), user()]
            with pytest.raises(StopAsyncIteration):
                await generator.asend("stop")
        return told

    assert asyncio.run(consume()) == ["u_1", "consumer", "sent", "u_1", "caught x", "consumer"]


@pytest.mark.parametrize("how", ["close", "drop", "fail"])
def test_a_decorated_generator_that_is_left_cleans_up_inside_the_block(how: str) -> None:
    seen: list[str | None] = []

    @attribute(user="u_1")
    def generate() -> Iterator[int]:
        try:
            yield 1
        finally:
            seen.append(user())

    generator: Any = generate()
    with attribute(user="consumer"):
        next(generator)
        if how == "close":
            generator.close()
        elif how == "fail":
            with pytest.raises(LookupError):
                generator.throw(LookupError())
        del generator
        gc.collect()
        assert (seen, user()) == (["u_1"], "consumer")


@pytest.mark.parametrize("how", ["close", "fail"])
def test_a_decorated_asynchronous_generator_that_is_left_cleans_up_inside_the_block(how: str) -> None:
    seen: list[str | None] = []

    @attribute(user="u_1")
    async def generate() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)
            seen.append(user())

    async def consume() -> None:
        generator: Any = generate()
        await anext(generator)
        with suppress(LookupError):
            await (generator.aclose() if how == "close" else generator.athrow(LookupError()))
        assert user() is None

    asyncio.run(consume())
    assert seen == ["u_1"]


def test_a_generator_that_goes_on_when_it_is_closed_is_told_so_as_ever() -> None:
    def stubborn() -> Iterator[int]:
        with suppress(GeneratorExit):
            yield 1
        yield 2

    def close(generator: Any) -> None:
        next(generator)
        with pytest.raises(RuntimeError, match="generator ignored GeneratorExit"):
            generator.close()

    close(stubborn())
    close(attribute(user="u_1")(stubborn)())


def test_a_generator_with_a_block_of_its_own_leaves_only_that_whenever_it_is_collected() -> None:
    def generate() -> Iterator[str | None]:
        with attribute(session="generator"):
            yield user()

    outer = attribute(user="u_1").__enter__()
    generator: Any = generate()
    next(generator)
    inner = attribute(user="u_2").__enter__()
    assert current() == Attribution("u_2", "generator")
    del generator
    gc.collect()
    assert current() == Attribution("u_2")
    inner.__exit__(None, None, None)
    assert current() == Attribution("u_1")
    outer.__exit__(None, None, None)


def test_a_block_that_a_decorated_generator_leaves_open_is_the_generators_alone() -> None:
    @attribute(user="decorated")
    def generate() -> Iterator[Attribution]:
        with attribute(user="own", session="s_1"):
            yield current()
            yield current()
        yield current()

    generator = generate()
    with attribute(user="consumer"):
        assert next(generator) == Attribution("own", "s_1")
        assert current() == Attribution("consumer")
        with attribute(user="other", session="s_2"):
            assert next(generator) == Attribution("own", "s_1")
            assert current() == Attribution("other", "s_2")
        assert next(generator) == Attribution("decorated")


def test_a_block_that_a_decorated_asynchronous_generator_leaves_open_is_the_generators_alone() -> None:
    @attribute(user="decorated")
    async def generate() -> AsyncIterator[str | None]:
        with attribute(user="own"):
            yield user()
            await asyncio.sleep(0)
            yield user()
        yield user()

    async def consume() -> list[str | None]:
        told: list[str | None] = []
        async for each in generate():
            told += [each, user()]
        return told

    with attribute(user="consumer"):
        assert asyncio.run(consume()) == ["own", "consumer", "own", "consumer", "decorated", "consumer"]


def test_blocks_left_in_the_order_they_were_entered_take_only_their_own_along() -> None:
    first, second = attribute(user="u_1", tags={"a": "1"}), attribute(session="s_2", tags={"b": "2"})
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert current() == Attribution(None, "s_2", {"b": "2"})
    second.__exit__(None, None, None)


def test_a_block_that_is_left_in_another_context_leaves_that_alone() -> None:
    block, entered = attribute(user="u_1"), copy_context()
    entered.run(block.__enter__)
    with attribute(user="u_2"):
        block.__exit__(None, None, None)
        assert user() == "u_2"
    assert entered.run(user) == "u_1"


def test_a_thread_that_is_given_the_context_is_for_the_same_user() -> None:
    with ThreadPoolExecutor() as pool, attribute(user="u_1"):
        assert pool.submit(copy_context().run, user).result() == "u_1"


def test_asyncio_gives_its_threads_the_context() -> None:
    async def ask() -> str | None:
        with attribute(user="u_1"):
            return await asyncio.to_thread(user)

    assert asyncio.run(ask()) == "u_1"


def test_threads_at_once_are_never_mixed() -> None:
    together = threading.Barrier(8)

    def work(name: str) -> set[str | None]:
        seen: set[str | None] = set()
        for _ in range(50):
            together.wait()
            with attribute(user=name), attribute(session=name):
                together.wait()
                seen |= {current().user, current().session}
        return seen

    names = [f"u_{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, names)) == [{name} for name in names]


def test_tasks_at_once_are_never_mixed() -> None:
    async def work(name: str) -> set[str | None]:
        seen: set[str | None] = set()
        with attribute(user=name):
            for step in range(20):
                await asyncio.sleep(0)
                with attribute(session=f"{name}/{step}"):
                    await asyncio.sleep(0)
                    seen |= {user(), str(current().session).partition("/")[0]}
        return seen

    async def main() -> list[set[str | None]]:
        with attribute(user="main"):
            done = await asyncio.gather(*(work(f"u_{number}") for number in range(50)))
            assert user() == "main"
        return done

    assert asyncio.run(main()) == [{f"u_{number}"} for number in range(50)]


def test_a_task_is_for_whom_it_was_begun_for() -> None:
    async def ask() -> str | None:
        await asyncio.sleep(0)
        return user()

    async def main() -> list[str | None]:
        tasks = []
        for name in ("u_1", "u_2"):
            with attribute(user=name):
                tasks.append(asyncio.create_task(ask()))
        return await asyncio.gather(*tasks)

    assert asyncio.run(main()) == ["u_1", "u_2"]


NAMES = st.none() | st.sampled_from(["a", "b", "c"])
TAGS = st.dictionaries(st.sampled_from(["x", "y"]), st.sampled_from(["1", "2"]))


@given(st.lists(st.tuples(NAMES, NAMES, TAGS), max_size=5))
def test_nested_blocks_are_merged_from_the_inside_out(
    levels: list[tuple[str | None, str | None, dict[str, str]]],
) -> None:
    def enter(rest: list[Any], outer: Attribution) -> None:
        assert current() == outer
        if not rest:
            return
        name, session, tags = rest[0]
        with attribute(user=name, session=session, tags=tags):
            enter(rest[1:], Attribution(name, session, tags).with_defaults(outer))
        assert current() == outer

    copy_context().run(enter, levels, UNKNOWN)


class Blocks(RuleBasedStateMachine):
    """Blocks entered and left in any order, in one context beside another, against a plain list."""

    blocks: Bundle[Any] = Bundle("blocks")

    def __init__(self) -> None:
        super().__init__()
        self.context, self.other = copy_context(), copy_context()
        self.entered: list[tuple[attribute, Attribution]] = []

    @rule(target=blocks, name=NAMES, session=NAMES, tags=TAGS)
    def make(self, name: str | None, session: str | None, tags: dict[str, str]) -> tuple[attribute, Attribution]:
        return attribute(user=name, session=session, tags=tags), Attribution(name, session, tags)

    @rule(block=blocks)
    def enter(self, block: tuple[attribute, Attribution]) -> None:
        self.context.run(block[0].__enter__)
        self.entered.append(block)

    @rule(block=blocks)
    def leave(self, block: tuple[attribute, Attribution]) -> None:
        self.context.run(block[0].__exit__, None, None, None)
        self.forget(block)

    @rule(block=consumes(blocks))
    def leave_for_good(self, block: tuple[attribute, Attribution]) -> None:
        self.leave(block)

    @rule(block=blocks)
    def leave_elsewhere(self, block: tuple[attribute, Attribution]) -> None:
        self.other.run(block[0].__exit__, None, None, None)

    def forget(self, block: tuple[attribute, Attribution]) -> None:
        for position in reversed(range(len(self.entered))):
            if self.entered[position][0] is block[0]:
                del self.entered[position]
                return

    @invariant()
    def what_holds_is_what_was_entered_and_not_left(self) -> None:
        expected = UNKNOWN
        for _, mine in self.entered:
            expected = mine.with_defaults(expected)
        assert self.context.run(current) == expected
        assert self.other.run(current) == UNKNOWN


Blocks.TestCase.settings = settings(max_examples=50, stateful_step_count=30)
test_blocks_in_any_order: Callable[..., Any] = Blocks.TestCase


def test_a_partial_of_a_coroutine_function_may_be_decorated() -> None:
    async def act(extra: int) -> tuple[str | None, int]:
        await asyncio.sleep(0)
        return user(), extra

    assert asyncio.run(attribute(user="u_1")(partial(act, 7))()) == ("u_1", 7)
