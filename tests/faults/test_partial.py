"""Row 18: a platform takes some of the spans, and says so in its own way."""

import pytest

from spancast.contract import Traits
from spancast.delivery.outbox.ack import AMBIGUOUS
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.desk import once, until_settled
from tests.support.faults.json_exporter import JsonExporter

WORDS = "rejected: no such model"


@pytest.mark.parametrize(
    ("answering", "confirms"),
    [
        (modes.multi_status, False),
        (modes.listing_errors, False),
        (
            lambda *bad: modes.without(*bad, code=200, told=lambda taken, _: {"ids": taken}),
            True,
        ),
    ],
    ids=["207", "errors in a 200", "ids"],
)
@pytest.mark.parametrize("resend", ["upsert", "duplicates"])
def test_the_rejected_are_dead_with_the_platforms_words_and_the_others_delivered(desk, answering, confirms, resend):
    bad, *good = desk.put(8)
    collector = desk.collector(answering(bad))
    exporter = JsonExporter(url=collector.url, confirms=confirms, traits=Traits(resend=resend))
    until_settled(desk.courier(exporter))
    assert dict(collector.accepted) == dict.fromkeys(good, 1)
    assert (desk.standing().delivered, desk.standing().dead) == (7, 1)
    (reason,) = desk.standing().reasons
    assert reason.startswith("rejected: ")


def test_a_partial_success_of_otlp_is_taken_apart_until_the_rejected_stand_alone(desk):
    *good, bad = desk.put(8)
    collector = desk.collector(modes.partially(bad, message="no such model"))
    until_settled(desk.courier(Otlp(endpoint=collector.url)))
    assert desk.standing().reasons == {WORDS: 1}
    assert set(good) <= set(collector.accepted)
    assert desk.standing().delivered == 7


def test_a_partial_success_is_not_sent_again_where_that_would_count_twice(desk):
    class Counting(Otlp):
        @property
        def traits(self):
            return Traits(resend="duplicates")

        @traits.setter
        def traits(self, _value):
            """Be a field of the class above."""

    *_, bad = desk.put(8)
    collector = desk.collector(modes.partially(bad))
    once(desk.courier(Counting(endpoint=collector.url)))
    assert len(collector.received) == 1
    assert desk.standing().reasons == {AMBIGUOUS: 8}


def test_an_acceptance_without_a_word_is_one(desk):
    desk.put(4)
    collector = desk.collector(modes.json_answer(202, {}))
    until_settled(desk.courier(JsonExporter(url=collector.url)))
    assert desk.standing().delivered == 4
