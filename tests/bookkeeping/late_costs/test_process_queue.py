"""The costs that are asked for with the queue' own keys."""

import os
from decimal import Decimal

import pytest

from spancast.bookkeeping.late_costs import process_queue as module
from spancast.bookkeeping.late_costs.process_queue import KEY_REFUSED, TOO_MANY_WAIT, ProcessQueue
from tests.bookkeeping.records import call

SERVER = "https://openrouter.ai/api/v1"


@pytest.fixture(autouse=True)
def _at_once(monkeypatch):
    monkeypatch.setattr(module, "FIRST_TRY_SECONDS", 0.0)


@pytest.fixture
def given_up():
    return []


@pytest.fixture
def queue(given_up):
    return ProcessQueue(lambda lookup, why: given_up.append((lookup.call_id, why)))


def offer(queue, key="k", **facts):
    cut = call(**({"generation_id": "gen-1", "outcome": "closed"} | facts))
    queue.offer(cut, SERVER, key)
    return cut.call_id


def test_a_call_without_a_cost_is_asked_for_with_its_own_key(queue):
    name = offer(queue, key="sk-or-v1-mine")
    (lookup,) = queue.due(10)
    assert (lookup.call_id, lookup.server, lookup.key) == (name, SERVER, "sk-or-v1-mine")


@pytest.mark.parametrize(
    "facts",
    [
        {"cost": Decimal(1), "cost_source": "response"},
        {"generation_id": None},
        {"http_status": 429},
        {"operation": "video", "response_id": "job-1"},
    ],
)
def test_a_call_that_nobody_can_be_asked_about_is_not_taken(queue, facts):
    offer(queue, **facts)
    assert queue.next_due() is None


def test_the_first_try_comes_after_seconds(queue, monkeypatch):
    monkeypatch.setattr(module, "FIRST_TRY_SECONDS", 2.0)
    offer(queue)
    assert queue.due(10) == []
    assert 1.9 < queue.next_due() <= 2.0


def test_what_comes_later_is_due_later(queue):
    first, second = offer(queue), offer(queue)
    for lookup in queue.due(10):
        queue.retry_later(lookup, {first: 20.0, second: 10.0}[lookup.call_id])
    assert queue.due(10) == []
    assert 9.0 < queue.next_due() <= 10.0


def test_what_is_known_or_given_up_is_forgotten(queue, given_up):
    found, missing = offer(queue), offer(queue)
    lookup = {each.call_id: each for each in queue.due(10)}
    queue.resolve(lookup[found])
    queue.give_up(lookup[missing], "not found")
    assert queue.next_due() is None
    assert given_up == [(missing, "not found")]


def test_no_more_are_kept_than_there_is_room_for(queue, monkeypatch):
    monkeypatch.setattr(module, "MAX_PENDING", 3)
    for _ in range(5):
        offer(queue)
    assert len(queue.due(10)) == 3
    offer(queue)
    assert queue.lost == {TOO_MANY_WAIT: 3}


def test_a_refused_key_takes_its_own_calls_with_it_and_no_others(queue):
    for _ in range(3):
        offer(queue, key="bad")
    good = offer(queue, key="good")
    queue.refuse_key(queue.due(1)[0])
    offer(queue, key="bad")
    assert [lookup.call_id for lookup in queue.due(10)] == [good]
    assert queue.lost == {KEY_REFUSED: 4}


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_leaves_its_parents_calls_and_keys_to_it(queue):
    offer(queue)
    assert len(queue.due(10)) == 1
    child = os.fork()
    if child == 0:
        try:
            untouched = queue.due(10) == [] and queue.next_due() is None
            offer(queue)
            os._exit(0 if untouched and len(queue.due(10)) == 1 else 1)
        finally:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert len(queue.due(10)) == 1
