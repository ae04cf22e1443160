"""Asking for late costs: how patiently, how often, and what ends it."""

import json
import logging
import threading
import time
from contextlib import ExitStack, closing
from decimal import Decimal
from itertools import pairwise

import pytest

from spancast.base import guard
from spancast.base.locks import FileLock
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs import backfill, cost_lookup, process_queue
from spancast.bookkeeping.late_costs.backfill import Backfill
from spancast.bookkeeping.late_costs.ledger_queue import LedgerQueue, given_up_counts
from spancast.bookkeeping.late_costs.process_queue import ProcessQueue
from spancast.capture.generations import generation_facts
from spancast.delivery.http import backoff
from tests.bookkeeping.records import call
from tests.support.generations import NOT_FOUND, OpenRouter, generation

SEGMENT = "writer-000001.seg"
KEY = "sk-or-v1-0123456789"


class Desk:
    """A ledger, an OpenRouter, and whoever asks; what is found is booked at once."""

    def __init__(self, home) -> None:
        self.home = home
        self._open = ExitStack()
        self.book = self._open.enter_context(closing(Book(home)))
        self.found = []

    def openrouter(self, *answers) -> OpenRouter:
        return self._open.enter_context(OpenRouter(*answers).open())

    def cut(self, openrouter: OpenRouter, number: int = 1) -> list[str]:
        """Book calls that were cut short a minute ago."""
        cuts = [
            call(
                started_at=time.time_ns() - 60 * 10**9,
                outcome="closed",
                generation_id=f"gen-{each}",
                server_address="127.0.0.1",
                server_port=openrouter.port,
            )
            for each in range(number)
        ]
        self.book.apply(SEGMENT, 1, cuts)
        return [each.call_id for each in cuts]

    def keep(self, late) -> None:
        self.found.append(late)
        self.book.apply(SEGMENT, 1, [late])

    def asker(self) -> Backfill:
        queue = LedgerQueue(self.book, KEY)
        asker = Backfill(queue, generation_facts, self.keep, self.home / "lookups.lock")
        return self._open.enter_context(closing(asker))

    def close(self) -> None:
        self._open.close()


@pytest.fixture
def desk(tmp_path):
    opened = Desk(tmp_path)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _hasty(monkeypatch):
    monkeypatch.setattr(backfill, "INTERVAL_SECONDS", 0.0)
    monkeypatch.setattr(guard, "_last_logged", {})


@pytest.fixture
def impatient(monkeypatch):
    """Make every wait a short one."""
    monkeypatch.setattr(cost_lookup, "FIRST_TRY_SECONDS", 0.001)
    monkeypatch.setattr(cost_lookup, "MAX_RETRY_SECONDS", 0.002)
    monkeypatch.setattr(backoff, "BASE_SECONDS", 0.002)
    monkeypatch.setattr(backoff, "CAP_SECONDS", 0.002)
    monkeypatch.setattr(backfill, "SERVER_ERROR_SECONDS", 0.002)


def until_settled(asker: Backfill) -> None:
    deadline = time.monotonic() + 20.0
    while (wait := asker.round()) is not None:
        assert time.monotonic() < deadline, "it never settled"
        time.sleep(min(wait, 0.05))


def test_what_openrouter_says_of_a_generation_is_kept(desk):
    openrouter = desk.openrouter(generation("0.00001365", id="gen-0"))
    (call_id,) = desk.cut(openrouter)
    assert desk.asker().round() is None
    (late,) = desk.found
    assert (late.call_id, late.cost, late.source) == (call_id, Decimal("0.00001365"), "generation")
    assert (late.input_tokens, late.output_tokens, late.reasoning_tokens, late.provider) == (7, 21, 5, "Azure")
    (asked,) = openrouter.asked
    assert (asked.path, asked.generation_id, asked.authorization) == ("/api/v1/generation", "gen-0", f"Bearer {KEY}")


def test_what_is_not_found_yet_is_asked_for_again_until_it_is(desk, impatient):
    openrouter = desk.openrouter(NOT_FOUND, NOT_FOUND, generation())
    desk.cut(openrouter)
    until_settled(desk.asker())
    assert (len(desk.found), len(openrouter.asked)) == (1, 3)


def test_what_is_never_found_is_given_up_and_counted(desk, impatient):
    openrouter = desk.openrouter(NOT_FOUND)
    desk.cut(openrouter)
    until_settled(desk.asker())
    assert (len(openrouter.asked), desk.found) == (cost_lookup.MAX_TRIES, [])
    assert given_up_counts(desk.book) == {"not found": 1}


def test_the_waits_grow_from_seconds_to_minutes_and_end_within_the_hour():
    waits = [cost_lookup.retry_seconds(misses) for misses in range(1, cost_lookup.MAX_TRIES)]
    assert all(2.0 * 2**misses * 0.5 <= wait <= 2.0 * 2**misses for misses, wait in enumerate(waits[:6], 1))
    assert max(waits) <= cost_lookup.MAX_RETRY_SECONDS
    assert sum(waits) < 3600
    assert cost_lookup.retry_seconds(cost_lookup.MAX_TRIES) is None


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"data":{}}', b'{"data":{"total_cost":null}}', b'{"data":{"total_cost":-1}}']
)
def test_an_answer_that_states_no_cost_is_no_answer(desk, impatient, body):
    openrouter = desk.openrouter((200, body), generation())
    desk.cut(openrouter)
    until_settled(desk.asker())
    assert (len(desk.found), len(openrouter.asked)) == (1, 2)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_ends_the_asking_with_one_line(desk, caplog, status):
    openrouter = desk.openrouter((status, b"{}"))
    desk.cut(openrouter, 5)
    asker = desk.asker()
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            assert asker.round() is None
    assert len(openrouter.asked) == 1
    assert [record.getMessage() for record in caplog.records] == [
        f"{openrouter.url} refuses the key for late costs (HTTP {status}); they stay unknown."
    ]


def test_a_refused_key_gives_nothing_up(desk):
    openrouter = desk.openrouter((401, b"{}"), generation())
    desk.cut(openrouter)
    desk.asker().round()
    desk.asker().round()
    assert len(desk.found) == 1


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_server_in_trouble_is_left_alone_and_nothing_is_given_up(desk, impatient, monkeypatch, status):
    monkeypatch.setattr(cost_lookup, "MAX_TRIES", 2)
    openrouter = desk.openrouter(*[(status, b"")] * 5, generation())
    desk.cut(openrouter)
    until_settled(desk.asker())
    assert (len(desk.found), len(openrouter.asked)) == (1, 6)


def test_a_server_in_trouble_is_asked_once_a_round(desk):
    openrouter = desk.openrouter((503, b""))
    desk.cut(openrouter, 5)
    desk.asker().round()
    assert len(openrouter.asked) == 1


def test_no_request_is_made_before_the_time_that_openrouter_asked_for(desk):
    openrouter = desk.openrouter((429, b""))
    openrouter.headers = {"retry-after": "30"}
    desk.cut(openrouter, 2)
    assert 30.0 <= desk.asker().round() <= 31.0


def test_a_server_that_is_down_costs_nothing_but_time(desk, impatient):
    with OpenRouter(generation()).open() as down:
        pass
    desk.cut(down)
    asker = desk.asker()
    for _ in range(3):
        assert asker.round() is not None
    assert given_up_counts(desk.book) == {}


def test_a_request_that_is_wrong_is_not_repeated(desk):
    openrouter = desk.openrouter((400, b"{}"))
    desk.cut(openrouter)
    assert desk.asker().round() is None
    assert given_up_counts(desk.book) == {"HTTP 400": 1}


def test_no_more_than_two_requests_are_made_in_a_second(desk, monkeypatch):
    monkeypatch.setattr(backfill, "INTERVAL_SECONDS", 0.5)
    openrouter = desk.openrouter(generation())
    desk.cut(openrouter, 4)
    desk.asker().round()
    times = [asked.at for asked in openrouter.asked]
    assert len(times) == 4
    assert all(after - before >= 0.5 for before, after in pairwise(times))


def test_one_process_at_a_time_asks(desk):
    openrouter = desk.openrouter(generation())
    desk.cut(openrouter)
    with FileLock(desk.home / "lookups.lock"):
        assert desk.asker().round() == backfill.BUSY_SECONDS
    assert openrouter.asked == []


def test_stopping_ends_a_round_at_once(desk, monkeypatch):
    monkeypatch.setattr(backfill, "INTERVAL_SECONDS", 60.0)
    openrouter = desk.openrouter(generation())
    desk.cut(openrouter, 5)
    asker = desk.asker()
    stopping = threading.Timer(0.2, asker.stop)
    stopping.start()
    began = time.monotonic()
    asker.round()
    assert time.monotonic() - began < 10.0
    assert len(openrouter.asked) == 1


def test_the_key_is_in_no_file_and_no_log(desk, caplog, impatient):
    openrouter = desk.openrouter((503, b""), (401, b"{}"))
    desk.cut(openrouter)
    with caplog.at_level(logging.DEBUG):
        until_settled(desk.asker())
    desk.book.close()
    assert KEY not in caplog.text
    assert not [path for path in desk.home.rglob("*") if path.is_file() and KEY.encode() in path.read_bytes()]


def test_a_call_is_asked_for_with_the_key_that_made_it(desk, monkeypatch):
    monkeypatch.setattr(process_queue, "FIRST_TRY_SECONDS", 0.0)
    openrouter = desk.openrouter(generation())
    offered = ProcessQueue(print)
    cuts = [call(generation_id=f"gen-{key}", outcome="closed") for key in "ab"]
    for cut, key in zip(cuts, "ab", strict=True):
        offered.offer(cut, openrouter.url, f"sk-{key}")
    with closing(Backfill(offered, generation_facts, desk.found.append)) as asker:
        assert asker.round() is None
    assert [(asked.generation_id, asked.authorization) for asked in openrouter.asked] == [
        ("gen-a", "Bearer sk-a"),
        ("gen-b", "Bearer sk-b"),
    ]
    assert [late.call_id for late in desk.found] == [cut.call_id for cut in cuts]


def test_a_refused_key_of_one_caller_costs_the_others_nothing(desk, monkeypatch):
    monkeypatch.setattr(process_queue, "FIRST_TRY_SECONDS", 0.0)
    openrouter = desk.openrouter((401, b"{}"), generation())
    offered = ProcessQueue(print)
    for key in ("bad", "bad", "good"):
        offered.offer(call(generation_id=f"gen-{key}", outcome="closed"), openrouter.url, key)
    with closing(Backfill(offered, generation_facts, desk.found.append)) as asker:
        until_settled(asker)
    assert [asked.generation_id for asked in openrouter.asked] == ["gen-bad", "gen-good"]


def test_an_id_that_is_no_plain_word_is_asked_for_as_it_is(desk):
    openrouter = desk.openrouter(generation())
    offered = ProcessQueue(print)
    offered._waiting["c"] = (0.0, cost_lookup.CostLookup("c", "gen 1&id=2#é", openrouter.url, KEY))
    with closing(Backfill(offered, generation_facts, desk.found.append)) as asker:
        asker.round()
    assert openrouter.asked[0].generation_id == "gen 1&id=2#é"


def test_the_upstream_cost_counts_under_byok_alone():
    def facts(**more):
        data = {"total_cost": 0, "upstream_inference_cost": 0.25, **more}
        return generation_facts(json.dumps({"data": data}).encode())

    assert facts(is_byok=True)["upstream_cost"] == Decimal("0.25")
    assert "upstream_cost" not in facts(is_byok=False)
    assert "upstream_cost" not in facts()
