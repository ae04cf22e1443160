"""The costs that are asked for with the callers' own keys."""

import os
from decimal import Decimal

import pytest

from spancast.bookkeeping.late_costs import callers as module
from spancast.bookkeeping.late_costs.callers import FULL, REFUSED, Callers
from tests.bookkeeping.records import call

SERVER = "https://openrouter.ai/api/v1"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(module, "FIRST", 0.0)


@pytest.fixture
def given_up():
    return []


@pytest.fixture
def callers(given_up):
    return Callers(lambda wanted, why: given_up.append((wanted.call_id, why)))


def offer(callers, key="k", **facts):
    cut = call(**({"generation_id": "gen-1", "outcome": "closed"} | facts))
    callers.offer(cut, SERVER, key)
    return cut.call_id


def test_a_call_without_a_cost_is_asked_for_with_its_own_key(callers):
    name = offer(callers, key="sk-or-v1-mine")
    (wanted,) = callers.due(10)
    assert (wanted.call_id, wanted.server, wanted.key) == (name, SERVER, "sk-or-v1-mine")


@pytest.mark.parametrize(
    "facts",
    [
        {"cost": Decimal(1), "cost_source": "response"},
        {"generation_id": None},
        {"http_status": 429},
        {"operation": "video", "response_id": "job-1"},
    ],
)
def test_a_call_that_nobody_can_be_asked_about_is_not_taken(callers, facts):
    offer(callers, **facts)
    assert callers.next_due() is None


def test_the_first_try_comes_after_seconds(callers, monkeypatch):
    monkeypatch.setattr(module, "FIRST", 2.0)
    offer(callers)
    assert callers.due(10) == []
    assert 1.9 < callers.next_due() <= 2.0


def test_what_comes_later_is_due_later(callers):
    first, second = offer(callers), offer(callers)
    for wanted in callers.due(10):
        callers.later(wanted, {first: 20.0, second: 10.0}[wanted.call_id])
    assert callers.due(10) == []
    assert 9.0 < callers.next_due() <= 10.0


def test_what_is_known_or_given_up_is_forgotten(callers, given_up):
    found, missing = offer(callers), offer(callers)
    wanted = {each.call_id: each for each in callers.due(10)}
    callers.found(wanted[found])
    callers.given_up(wanted[missing], "not found")
    assert callers.next_due() is None
    assert given_up == [(missing, "not found")]


def test_no_more_are_kept_than_there_is_room_for(callers, monkeypatch):
    monkeypatch.setattr(module, "KEPT", 3)
    for _ in range(5):
        offer(callers)
    assert len(callers.due(10)) == 3
    offer(callers)
    assert callers.lost == {FULL: 3}


def test_a_refused_key_takes_its_own_calls_with_it_and_no_others(callers):
    for _ in range(3):
        offer(callers, key="bad")
    good = offer(callers, key="good")
    callers.refused(callers.due(1)[0])
    offer(callers, key="bad")
    assert [wanted.call_id for wanted in callers.due(10)] == [good]
    assert callers.lost == {REFUSED: 4}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_leaves_its_parents_calls_and_keys_to_it(callers):
    offer(callers)
    assert len(callers.due(10)) == 1
    child = os.fork()
    if child == 0:
        try:
            untouched = callers.due(10) == [] and callers.next_due() is None
            offer(callers)
            os._exit(0 if untouched and len(callers.due(10)) == 1 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert len(callers.due(10)) == 1
