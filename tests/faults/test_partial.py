"""Row 18: a platform takes some of the spans, and says so in its own way."""

import json
from dataclasses import replace

import pytest

from spancast.cli import main
from spancast.contract import Traits
from spancast.delivery.outbox.ack import AMBIGUOUS
from spancast_exporters.otlp import Otlp
from tests.support.faults import modes
from tests.support.faults.asking import COUNTS_TWICE, Asked, Asking
from tests.support.faults.desk import once, until_settled
from tests.support.faults.json_exporter import JsonExporter

WORDS = "rejected: no such model"
BY_THE_ANSWER = f"{AMBIGUOUS} by the answer: {WORDS}"
KEY = "k-0123456789abcdef"


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


class Counting(Otlp):
    """A backend of OTLP that counts twice what it is sent twice, and takes eight at a time."""

    @property
    def traits(self):
        return replace(COUNTS_TWICE, max_spans=8)

    @traits.setter
    def traits(self, _value):
        """Be a field of the class above."""


class Reading(Counting):
    """One that can be asked what it has."""

    def read_back(self, spans, at):
        return Asking(url=self.endpoint).read_back(spans, at)

    found = Asking.found


def test_a_partial_success_is_not_sent_again_where_that_would_count_twice(desk):
    *_, bad = desk.put(8)
    collector = desk.collector(modes.partially(bad, message="no such model"))
    done = once(desk.courier(Counting(endpoint=collector.url)))
    assert (done.decided, done.wait, len(collector.received)) == (8, None, 1)
    assert desk.standing().reasons == {AMBIGUOUS: 8, BY_THE_ANSWER: 8}


def test_a_platform_that_takes_a_part_works_and_what_it_said_is_shown(desk, capsys):
    *_, bad = desk.put(8)
    collector = desk.collector(modes.partially(bad, message="no such model"))
    courier = desk.courier(Counting(endpoint=collector.url))
    once(courier)
    desk.put(2)
    assert main(["destinations", "--json", "--home", str(desk.home)]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["state"], told["reason"], told["waiting"], told["dead"]) == ("ready", WORDS, 2, 8)
    assert told["reasons"] == {AMBIGUOUS: 8, BY_THE_ANSWER: 8}
    once(courier)
    once(courier)
    assert (desk.standing().state, desk.standing().reason, desk.standing().delivered) == ("ready", None, 2)
    assert desk.standing().reasons == {AMBIGUOUS: 8, BY_THE_ANSWER: 8}


def test_after_a_partial_success_spans_go_one_by_one_so_that_the_next_is_told_by_its_name(desk):
    _, early, *good = desk.put(8)
    bad, *more = desk.put(4)
    collector = desk.collector(modes.partially(early, bad, message="no such model"))
    courier = desk.courier(Counting(endpoint=collector.url))
    until_settled(courier)
    assert set(collector.accepted) >= {*good, *more}
    assert max(collector.accepted.values()) == 1
    assert (desk.standing().delivered, desk.standing().dead) == (3, 9)
    assert desk.standing().reasons == {AMBIGUOUS: 8, BY_THE_ANSWER: 8, WORDS: 1}


def test_where_the_platform_can_be_asked_a_partial_success_leaves_no_doubt(desk):
    *good, bad = desk.put(8)
    collector = desk.collector(Asked(modes.partially(bad, message="no such model")))
    until_settled(desk.courier(Reading(endpoint=collector.url)))
    assert dict(collector.accepted) == dict.fromkeys(good, 1)
    assert (desk.standing().state, desk.standing().delivered, desk.standing().dead) == ("ready", 7, 1)
    assert desk.standing().reasons == {WORDS: 1, BY_THE_ANSWER: 8}


@pytest.mark.parametrize("code", [200, 207])
def test_errors_that_name_no_span_leave_a_doubt_where_a_second_time_would_count_twice(desk, impatient, code):
    *good, bad = desk.put(8)
    collector = desk.collector(modes.without(bad, code=code, told=lambda *_: {"errors": ["no such model"]}))
    until_settled(desk.courier(Counting(endpoint=collector.url)))
    assert dict(collector.accepted) == dict.fromkeys(good, 1)
    said = f"HTTP {code}: no such model"
    assert desk.standing().reason == said
    assert desk.standing().reasons == {AMBIGUOUS: 8, f"{AMBIGUOUS} by the answer: {said}": 8}


def test_a_key_in_the_platforms_words_is_not_shown(desk):
    *_, bad = desk.put(2)
    collector = desk.collector(modes.partially(bad, message=f"{KEY} may not write"))
    once(desk.courier(Counting(endpoint=collector.url, headers={"authorization": KEY})))
    assert desk.standing().state == "ready"
    told = str(desk.standing())
    assert "may not write" in told
    assert KEY not in told


def test_an_acceptance_without_a_word_is_one(desk):
    desk.put(4)
    collector = desk.collector(modes.json_answer(202, {}))
    until_settled(desk.courier(JsonExporter(url=collector.url)))
    assert desk.standing().delivered == 4
