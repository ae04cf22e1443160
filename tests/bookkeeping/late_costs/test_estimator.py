"""Estimating the calls in the ledger, and keeping the prices for it."""

import logging
import time
from contextlib import closing
from dataclasses import replace
from decimal import Decimal

import pytest

from spancast.base import guard
from spancast.base.locks import FileLock
from spancast.bookkeeping import prices
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs import estimator as module
from spancast.bookkeeping.late_costs.estimator import BUSY_SECONDS, FRESH_SECONDS, Estimator, fetch
from spancast.delivery.http import backoff
from spancast.delivery.http.wire import Wire
from spancast.errors import SpancastError
from spancast.records.call import Modalities
from spancast.records.late import LateFacts
from spancast.testing import Simulator
from tests.bookkeeping.records import call

SEGMENT = "writer-000001.seg"


@pytest.fixture
def openrouter(monkeypatch):
    with Simulator(seed=1) as simulator:
        monkeypatch.setenv("OPENROUTER_BASE_URL", simulator.base_url)
        yield simulator


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        yield opened


@pytest.fixture
def estimate(book, tmp_path):
    """Do a round; what is estimated is booked. Return what the round returns."""
    with closing(Estimator(book, tmp_path, lambda late: book.apply(SEGMENT, 1, [late]))) as estimator:
        yield estimator.round


def a_call(**facts):
    given = {
        "started_at": time.time_ns(),
        "request_model": "openai/gpt-4o-mini",
        "input_tokens": 1000,
        "output_tokens": 100,
    }
    return call(**(given | facts))


def booked(book):
    return {row.call_id: (row.cost, row.cost_source) for row in calls(book, Filter())}


def test_a_call_that_states_no_cost_is_estimated_by_the_prices_of_today(book, estimate, openrouter):
    one = a_call()
    book.apply(SEGMENT, 1, [one])
    assert estimate() is None
    assert booked(book) == {one.call_id: (Decimal("0.00021"), "prices")}
    assert [served.path for served in openrouter.requests] == ["/api/v1/models"]


def test_a_stated_cost_takes_the_place_of_the_estimate(book, estimate, openrouter):
    one = a_call()
    book.apply(SEGMENT, 1, [one])
    estimate()
    book.apply(SEGMENT, 2, [LateFacts(at=1, source="generation", call_id=one.call_id, cost=Decimal("0.0001"))])
    assert booked(book) == {one.call_id: (Decimal("0.0001"), "generation")}


def test_the_facts_that_have_no_column_count_too(book, estimate, openrouter):
    flex, image = a_call(service_tier="flex"), a_call(modalities=Modalities(image_output=3))
    book.apply(SEGMENT, 1, [flex, image])
    estimate()
    assert booked(book) == dict.fromkeys((flex.call_id, image.call_id), (None, None))


@pytest.mark.parametrize(
    "facts",
    [
        {"outcome": "closed"},
        {"cost": Decimal(0), "cost_source": "response"},
        {"request_model": "nobody/knows"},
        {"started_at": time.time_ns() - 30 * 24 * 3600 * 10**9},
    ],
)
def test_what_cannot_be_estimated_is_left_as_it_is_and_not_looked_at_again(book, estimate, openrouter, facts):
    one = a_call(**facts)
    book.apply(SEGMENT, 1, [one])
    assert estimate() is None
    assert estimate() is None
    assert booked(book) == {one.call_id: (one.cost, one.cost_source)}


def test_prices_that_are_kept_are_not_fetched_again_within_the_day(book, estimate, openrouter, tmp_path):
    for _ in range(2):
        book.apply(SEGMENT, 1, [a_call()])
        estimate()
    with closing(Estimator(book, tmp_path, print)) as another:
        book.apply(SEGMENT, 1, [a_call()])
        another.round()
    assert len(openrouter.requests) == 1


def test_prices_of_yesterday_are_fetched_anew(book, estimate, openrouter, tmp_path):
    book.apply(SEGMENT, 1, [a_call()])
    estimate()
    prices.save(tmp_path, replace(prices.load(tmp_path), fetched_at=time.time() - FRESH_SECONDS - 1))
    with closing(Estimator(book, tmp_path, print)) as another:
        book.apply(SEGMENT, 1, [a_call()])
        another.round()
    assert len(openrouter.requests) == 2
    assert prices.load(tmp_path).age < 60


def test_prices_of_yesterday_do_where_there_are_no_others(book, estimate, openrouter, tmp_path, monkeypatch):
    monkeypatch.setattr(guard, "_last_logged", {})
    book.apply(SEGMENT, 1, [a_call()])
    estimate()
    prices.save(tmp_path, replace(prices.load(tmp_path), fetched_at=time.time() - FRESH_SECONDS - 1))
    openrouter.stop()
    kept = []
    with closing(Estimator(book, tmp_path, kept.append)) as another:
        book.apply(SEGMENT, 1, [a_call()])
        assert another.round() is None
    assert [late.cost for late in kept] == [Decimal("0.00021")]


def test_without_any_prices_calls_wait_until_there_are_some(book, estimate, openrouter, monkeypatch, caplog):
    monkeypatch.setattr(backoff, "wait", lambda _: 0.0)
    monkeypatch.setattr(guard, "_last_logged", {})
    one = a_call()
    book.apply(SEGMENT, 1, [one])
    address = openrouter.base_url
    openrouter.stop()
    with caplog.at_level(logging.WARNING):
        assert estimate() is not None
        assert estimate() is not None
    assert len(caplog.records) == 1
    assert address in caplog.text
    openrouter.start()
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url)
    assert estimate() is None
    assert booked(book)[one.call_id][1] == "prices"


def test_a_list_that_cannot_be_had_is_not_asked_for_all_the_time(book, estimate, openrouter, monkeypatch):
    monkeypatch.setattr(backoff, "wait", lambda _: 30.0)
    monkeypatch.setattr(guard, "_last_logged", {})
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url + "/nothing")
    book.apply(SEGMENT, 1, [a_call()])
    for _ in range(3):
        assert 29.0 < estimate() <= 30.0
    assert len(openrouter.requests) == 1


def test_nothing_is_fetched_where_nothing_is_to_be_estimated(book, estimate, openrouter):
    book.apply(SEGMENT, 1, [a_call(input_tokens=None)])
    estimate()
    assert openrouter.requests == ()


def test_more_calls_than_a_round_takes_are_all_estimated(book, estimate, openrouter, monkeypatch):
    monkeypatch.setattr(module, "MAX_CALLS_PER_ROUND", 3)
    book.apply(SEGMENT, 1, [a_call() for _ in range(8)])
    estimate()
    assert {source for _, source in booked(book).values()} == {"prices"}


def test_one_process_at_a_time_estimates(book, estimate, openrouter, tmp_path):
    book.apply(SEGMENT, 1, [a_call()])
    with FileLock(tmp_path / "estimates.lock"):
        assert estimate() == BUSY_SECONDS
    assert openrouter.requests == ()


def test_a_server_that_has_no_list_says_so(openrouter, monkeypatch):
    monkeypatch.setenv("OPENROUTER_BASE_URL", openrouter.base_url + "/nothing")
    with (
        closing(Wire()) as wire,
        pytest.raises(SpancastError, match=r"The list of models cannot be fetched: .* answers HTTP 404"),
    ):
        fetch(wire)
