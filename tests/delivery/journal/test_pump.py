"""The pump has one thread a process, however many would start it."""

import os
import sys
import threading
from contextlib import closing

import pytest

from spancast.base import clock
from spancast.bookkeeping.book import Book
from spancast.delivery.journal import pump as pumps
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.journal.pump import Pump
from tests.bookkeeping.records import call

THREADS = 8


@pytest.fixture
def pump(tmp_path):
    with closing(Journal(tmp_path)) as journal:
        pump = Pump(journal, Drainer(tmp_path, []))
        yield pump
        pump.stop()


def pumping() -> int:
    return sum(thread.name == "spancast" for thread in threading.enumerate())


def test_a_pump_that_runs_is_not_started_again(pump):
    before = pumping()
    pump.start()
    pump.start()
    assert (pumping() - before, pump.running) == (1, True)


def test_of_several_threads_that_would_start_it_at_once_one_does(pump):
    before, together = pumping(), threading.Barrier(THREADS)

    def start() -> None:
        together.wait()
        pump.start()

    starters = [threading.Thread(target=start) for _ in range(THREADS)]
    for starter in starters:
        starter.start()
    for starter in starters:
        starter.join()
    assert (pumping() - before, pump.running) == (1, True)
    pump.stop()
    assert pumping() == before


def test_who_would_start_it_while_another_does_waits_for_nobody(pump):
    with pump._starting:
        pump.start()
    assert not pump.running
    pump.start()
    assert pump.running


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_child_that_is_forked_while_it_is_started_starts_its_own(pump):
    with pump._starting:
        child = os.fork()
        if child == 0:
            pump.start()
            os._exit(0 if pump.running and pumping() == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def inheriting(folder, monkeypatch, settled, record=None):
    """Return how long it took, in seconds, until something was moved that an earlier process may have left."""
    monkeypatch.setattr(pumps, "SETTLE_SECONDS", settled)
    moved = threading.Event()
    with closing(Journal(folder)) as journal, closing(Book(folder)) as book:
        pump = Pump(journal, Drainer(folder, [book]), [moved.set])
        began = clock.now()
        pump.move_leftovers_soon()
        if record is not None:
            journal.append(record)
        assert moved.wait(20)
        took = clock.now() - began
        pump.stop()
    return took


def test_what_an_earlier_process_left_is_moved_when_the_program_has_settled(tmp_path, monkeypatch):
    assert inheriting(tmp_path, monkeypatch, settled=0.6) >= 0.6


def test_it_is_moved_with_the_first_record_of_this_one(tmp_path, monkeypatch):
    assert inheriting(tmp_path, monkeypatch, settled=60.0, record=call()) < 10.0
