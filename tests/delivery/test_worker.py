"""A thread for what is done in rounds."""

import os
import threading
import time
from collections.abc import Iterator

import pytest

from spancast.base import guard
from spancast.delivery import worker as module
from spancast.delivery.worker import WorkerThread
from tests.support.waiting import eventually

PATIENCE = 20.0


class Counting:
    """Counts its rounds; each returns the next of `waits`, and at last `None`."""

    name = "counting"

    def __init__(self, *waits: float | Exception | None) -> None:
        self.waits = list(waits)
        self.rounds = 0
        self.stopped = self.closed = False
        self.threads: set[str] = set()

    def round(self) -> float | None:
        self.rounds += 1
        self.threads.add(threading.current_thread().name)
        wait = self.waits.pop(0) if self.waits else None
        if isinstance(wait, Exception):
            raise wait
        return wait

    def stop(self) -> None:
        self.stopped = True

    def close(self) -> None:
        self.closed = True


@pytest.fixture
def start() -> Iterator[object]:
    threads: list[WorkerThread] = []

    def make(worker: Counting) -> WorkerThread:
        threads.append(WorkerThread(worker))
        return threads[-1]

    yield make
    for thread in threads:
        assert thread.stop(PATIENCE)


def test_nothing_is_done_before_there_is_news(start):
    worker = Counting()
    thread = start(worker)
    assert worker.rounds == 0
    for rounds in (1, 2):
        thread.wake()
        eventually(lambda rounds=rounds: worker.rounds == rounds)
    assert worker.threads == {"spancast-counting"}


def test_a_round_that_says_when_is_followed_by_another(start):
    worker = Counting(0.001, 0.001, None)
    start(worker).wake()
    eventually(lambda: worker.rounds == 3)


def test_a_round_that_fails_is_followed_by_another(start, monkeypatch):
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(module, "FAILURE_SECONDS", 0.001)
    before = guard.faults["counting"]
    worker = Counting(OSError("the disk is full"), None)
    start(worker).wake()
    eventually(lambda: worker.rounds == 2)
    assert guard.faults["counting"] == before + 1


def test_stopping_ends_a_wait_and_gives_back_what_is_held(start):
    worker = Counting(60.0)
    thread = start(worker)
    thread.wake()
    eventually(lambda: worker.rounds == 1)
    began = time.monotonic()
    assert thread.stop(PATIENCE)
    assert time.monotonic() - began < 1.0
    assert (worker.stopped, worker.closed) == (True, True)
    thread.wake()
    assert worker.rounds == 1


def test_what_a_round_holds_that_outlasts_the_stop_is_given_back_behind_it(start):
    goes_on = threading.Event()

    class Slow(Counting):
        def round(self) -> float | None:
            super().round()
            goes_on.wait(PATIENCE)
            return None

    worker = Slow()
    thread = start(worker)
    thread.wake()
    eventually(lambda: worker.rounds == 1)
    assert not thread.stop(0.0)
    assert not worker.closed
    goes_on.set()
    eventually(lambda: worker.closed)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_child_works_with_a_thread_of_its_own(start):
    worker = Counting()
    thread = start(worker)
    thread.wake()
    eventually(lambda: worker.rounds == 1)
    child = os.fork()
    if child == 0:
        try:
            thread.wake()
            eventually(lambda: worker.rounds == 2)
            os._exit(0)
        finally:
            os._exit(1)
    assert os.waitpid(child, 0)[1] == 0
