"""What is decided of records before a request: filters that ask for a cost, words that are redacted, spans mended."""

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from spancast.base.deadline import Deadline
from spancast.delivery.courier.courier import Courier
from spancast.delivery.outbox.accounts import Standing
from spancast.destinations.destination import Destination
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import LateFacts
from tests.support.calls import a_call, to_span
from tests.support.counter import Counter, Shelf

DEAR = [{"field": "total_cost", "operator": "gt", "value": 1}]


class Desk(Counter):
    """An outbox, and a courier that serves it."""

    def __init__(self, home: Path) -> None:
        super().__init__(home)
        self.shelf = Shelf()

    def courier(self, **settings: Any) -> Courier:
        destination = Destination(self.shelf, name="platform", **settings)
        return self.served(self.shelf, destination, expects=lambda call: call.cost is None)

    def standing(self) -> Standing:
        (standing,) = self.outbox.standings()
        return standing


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.close()


def once(courier: Courier) -> None:
    courier.deliver_once(Deadline(20))


def cost_of(call: Call, cost: str) -> LateFacts:
    return LateFacts(at=1, source="generation", call_id=call.call_id, cost=Decimal(cost))


@pytest.mark.parametrize("late_cost", ["hold", "update", "omit"])
def test_a_filter_that_asks_for_the_cost_waits_for_it(desk: Desk, late_cost: str) -> None:
    courier = desk.courier(filters=DEAR, late_cost=late_cost)
    cheap, dear = (a_call(cost=None, generation_id=f"gen-{number}") for number in range(2))
    desk.put(cheap, dear)
    once(courier)
    assert (desk.standing().waiting, desk.standing().reasons) == (2, {"cost expected": 2})

    desk.put(cost_of(cheap, "0.5"), cost_of(dear, "1.5"))
    once(courier)
    assert [span.generation and span.generation.cost for span in desk.shelf.spans] == [Decimal("1.5")]
    assert (desk.standing().delivered, desk.standing().skipped) == (1, 1)
    assert desk.standing().reasons == {"filtered out": 1}


def test_a_filter_that_does_not_ask_for_the_cost_does_not_wait(desk: Desk) -> None:
    courier = desk.courier(filters=[{"field": "model", "operator": "equals", "value": "none"}])
    desk.put(a_call(cost=None))
    once(courier)
    assert desk.standing().reasons == {"filtered out": 1}


def test_a_call_that_no_cost_can_make_pass_is_skipped_at_once(desk: Desk) -> None:
    courier = desk.courier(filters=DEAR, sample_rate=0.0)
    desk.put(a_call(cost=None))
    once(courier)
    assert desk.standing().reasons == {"sampled out": 1}


def test_words_that_were_withheld_are_counted_with_the_reason(desk: Desk) -> None:
    courier = desk.courier(redact=lambda text: text[10**9])
    call = a_call(content=True)
    desk.put(call, Content(call_id=call.call_id, input_messages='"Hello"'), a_call())
    once(courier)
    assert [dict(span.content) for span in desk.shelf.spans] == [{}, {}]
    assert desk.standing().delivered == 2
    assert desk.standing().reasons == {"sent without its words: redact failed": 1}


def test_what_was_mended_is_counted_and_its_neighbours_are_sent_as_they_are(desk: Desk) -> None:
    courier = desk.courier()
    odd = a_call(request_model="x" * 200_000)
    well = [a_call(), a_call()]
    desk.put(well[0], odd, well[1])
    once(courier)
    assert desk.standing().delivered == 3
    assert desk.standing().reasons == {"sent with texts cut": 1}
    assert [span.attributes for span in desk.shelf.spans if span.generation != odd] == [
        to_span(call).attributes for call in well
    ]


def test_the_span_between_is_sent_along_and_counts_as_no_record(desk: Desk) -> None:
    courier = desk.courier()
    desk.put(a_call(span_name="search"), a_call())
    once(courier)
    assert [span.name for span in desk.shelf.spans] == ["search", "chat openai/gpt-5", "chat openai/gpt-5"]
    assert (desk.standing().captured, desk.standing().delivered) == (2, 2)
