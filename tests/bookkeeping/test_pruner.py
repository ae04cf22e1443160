"""Single calls go when they are older than the setting says; sums stay, and nobody's call waits for it."""

import json
import time
from contextlib import closing
from decimal import Decimal

import pytest

from spancast.bookkeeping import upkeep
from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.costs import costs
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.pruner import Pruner
from spancast.bookkeeping.retention import retained_since
from spancast.bookkeeping.rollups import DAY
from spancast.testing import Simulator
from tests.bookkeeping.records import call
from tests.support.faults.clock import Clocks
from tests.support.programs import run_program, spancast, surroundings

SECONDS = 24 * 3600.0
"""Of a day."""


@pytest.fixture
def clocks(monkeypatch):
    return Clocks(monkeypatch)


@pytest.fixture
def book(tmp_path):
    with closing(Book(tmp_path)) as opened:
        now = time.time_ns()
        several = [call(cost=Decimal("0.5"), started_at=now - days * DAY) for days in (0, 1, 89, 91, 200)]
        opened.apply("writer-000001.seg", 1, several)
        yield opened


def left(book) -> int:
    return len(list(calls(book, Filter())))


def test_what_is_older_goes_and_its_sum_stays(book):
    wait = Pruner(book, 90 * SECONDS).round()
    assert 0 < wait <= SECONDS
    assert left(book) == 3
    assert costs(book, ["day"], Filter()).total.cost == Decimal("2.5")
    assert upkeep.check(book) == []


def test_it_is_done_once_a_day_however_often_there_is_news(book, clocks):
    pruner = Pruner(book, 90 * SECONDS)
    pruner.round()
    book.apply("writer-000001.seg", 2, [call(started_at=time.time_ns() - 100 * DAY)])
    pruner.round()
    assert left(book) == 4
    clocks.passed += pruner.round() + 1
    pruner.round()
    assert left(book) == 3
    clocks.passed += 2 * SECONDS
    pruner.round()
    assert left(book) == 2


def test_a_ledger_of_which_nothing_is_too_old_is_not_written_to(book):
    Pruner(book, 365 * SECONDS).round()
    with book.reading() as connection:
        assert retained_since(connection) is None


def test_what_is_told_to_stop_stops_between_two_transactions_and_another_day_goes_on(book, monkeypatch, clocks):
    monkeypatch.setattr(upkeep, "PRUNE_CHUNK", 1)
    pruner = Pruner(book, 90 * SECONDS)
    pruner.stop()
    pruner.round()
    assert left(book) == 4
    Pruner(book, 90 * SECONDS).round()
    assert left(book) == 3


PROGRAM = """
import os, httpx2, time, spancast
spancast.flush(10.0)
url = f"{os.environ['OPENROUTER_BASE_URL']}/chat/completions"
key = {"Authorization": f"Bearer {os.environ['OPENROUTER_API_KEY']}"}
httpx2.post(url, json={"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "hi"}]}, headers=key)
spancast.flush(10.0)
deadline = time.monotonic() + 20
while time.monotonic() < deadline:
    with spancast.ledger() as ledger:
        if len(list(ledger.calls())) == 4:
            break
    time.sleep(0.05)
"""


@pytest.mark.parametrize("delivery", ["process", "external"])
def test_a_program_with_the_setting_prunes_what_it_finds(delivery, book, tmp_path):
    with Simulator(seed=1) as openrouter:
        settings = {"SPANCAST_LEDGER_RETENTION": "90d", "SPANCAST_DELIVERY": delivery}
        environment = surroundings(tmp_path, openrouter, **settings)
        done = run_program(PROGRAM, environment)
        assert (done.returncode, done.stderr) == (0, "")
        assert left(book) == 4
        assert json.loads(spancast("costs", "--json", environment=environment).stdout)["total"]["calls"] == 6


def test_deliver_prunes_too(book, tmp_path):
    with Simulator(seed=1) as openrouter:
        spancast("deliver", environment=surroundings(tmp_path, openrouter, SPANCAST_LEDGER_RETENTION="90d"))
    assert left(book) == 3
