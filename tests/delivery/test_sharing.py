"""Several destinations of one outbox: what is made of a record for one is the other's too, where they want the same."""

import itertools
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spancast.delivery.courier.courier import Courier
from spancast.destinations.destination import Destination
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import LateFacts
from tests.support.calls import a_call
from tests.support.counter import Counter, Shelf
from tests.support.faults.desk import assert_adds_up

WORDS = '[{"role":"user","parts":[{"type":"text","content":"What is my balance?"}]}]'
NAMES = ("first", "second")


class Desk(Counter):
    """An outbox, and couriers with a shelf each."""

    def courier(self, name: str, **settings: Any) -> tuple[Courier, Shelf]:
        shelf = Shelf()
        return self.served(shelf, Destination(shelf, name=name, **settings)), shelf

    def two(self, *settings: dict[str, Any]) -> list[tuple[Courier, Shelf]]:
        return [self.courier(name, **each) for name, each in itertools.zip_longest(NAMES, settings, fillvalue={})]

    def spoken(self, **facts: Any) -> Call:
        call = a_call(content=True, destinations=NAMES, **facts)
        self.put(call, Content(call_id=call.call_id, input_messages=WORDS))
        return call


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    opened = Desk(tmp_path)
    yield opened
    opened.close()


def both(couriers: Sequence[tuple[Courier, Shelf]]) -> list[Shelf]:
    """Let the couriers do all there is, one after the other."""
    for courier, _ in couriers:
        courier.round()
    return [shelf for _, shelf in couriers]


def test_destinations_that_want_the_same_are_given_the_same(desk: Desk) -> None:
    couriers = desk.two()
    for _ in range(3):
        desk.spoken()
    first, second = both(couriers)
    assert len(first.spans) == 3
    assert all(one is other for one, other in zip(first.spans, second.spans, strict=True))
    assert all(one is other for one, other in zip(first.sent, second.sent, strict=True))
    assert all(WORDS.encode() in each for each in first.sent)
    assert_adds_up(desk.outbox.standings())
    assert [standing.delivered for standing in desk.outbox.standings()] == [3, 3]


@pytest.mark.parametrize("private", [0, 1], ids=["private first", "private second"])
def test_no_word_reaches_a_private_destination(desk: Desk, private: int) -> None:
    settings = [{"privacy": number == private} for number in range(2)]
    couriers = desk.two(*settings)
    desk.spoken()
    shelves = both(couriers)
    assert WORDS.encode() not in shelves[private].sent[0]
    assert WORDS.encode() in shelves[1 - private].sent[0]


def test_what_one_redacts_the_other_has(desk: Desk) -> None:
    couriers = desk.two({"redact": lambda text: text.replace("balance", "___")}, {})
    desk.spoken()
    redacted, other = both(couriers)
    assert b"balance" not in redacted.sent[0]
    assert b"balance" in other.sent[0]


def test_each_has_the_metadata_and_the_environment_that_it_says(desk: Desk) -> None:
    couriers = desk.two({"metadata": {"team": "blue"}}, {"metadata": {"team": "red"}, "environment": "staging"})
    desk.spoken()
    blue, red = both(couriers)
    assert (blue.spans[0].metadata, red.spans[0].metadata) == ({"team": "blue"}, {"team": "red"})
    assert (blue.spans[0].environment, red.spans[0].environment) == (None, "staging")
    assert (b"blue" in blue.sent[0], b"blue" in red.sent[0]) == (True, False)


def test_each_has_the_span_above_that_it_is_sent(desk: Desk) -> None:
    couriers = desk.two({"spans": "genai"}, {"spans": "all"})
    desk.spoken(trace_id="1" * 32, parent_span_id="2" * 16, genai_parent_span_id="3" * 16)
    genai, every = both(couriers)
    assert [shelf.spans[0].parent_span_id for shelf in (genai, every)] == ["3" * 16, "2" * 16]


def test_a_cost_that_has_come_in_between_reaches_the_one_behind(desk: Desk) -> None:
    (courier, first), (other, second) = desk.two()
    call = desk.spoken(cost=None, generation_id="gen-1")
    courier.round()
    desk.put(LateFacts(at=1, source="generation", call_id=call.call_id, cost=Decimal("0.5")))
    other.round()
    costs = [shelf.spans[0].generation.cost for shelf in (first, second) if shelf.spans[0].generation]
    assert costs == [None, Decimal("0.5")]


def test_words_that_have_come_in_between_reach_the_one_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("spancast.delivery.outbox.contents.HOLD_SECONDS", 0.0)
    (courier, first), (other, second) = desk.two()
    call = a_call(content=True, destinations=NAMES)
    desk.put(call)
    courier.round()
    desk.put(Content(call_id=call.call_id, input_messages=WORDS))
    other.round()
    assert WORDS.encode() not in first.sent[0]
    assert WORDS.encode() in second.sent[0]


def test_nothing_is_kept_for_a_destination_that_is_alone(desk: Desk) -> None:
    courier, shelf = desk.courier("first")
    call = a_call(content=True, destinations=("first",))
    desk.put(call, Content(call_id=call.call_id, input_messages=WORDS))
    courier.round()
    assert WORDS.encode() in shelf.sent[0]
    assert not desk.outbox._decoded._entries
    assert not desk.outbox._contents._entries
