"""The thread behind the caller's back: bounded, gone when it is idle, and never a parent's in a forked child."""

import gc
import os
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from spancast.base import background, guard
from spancast.base.background import MAX_BYTES, MAX_WAITING, Background


@dataclass
class Job:
    """Work that notes what became of it."""

    action: Callable[[], Any] = lambda: None
    size: int = 0
    done: list[threading.Thread] = field(default_factory=list)
    skipped: list[threading.Thread] = field(default_factory=list)

    def run(self) -> None:
        self.action()
        self.done.append(threading.current_thread())

    def skip(self) -> None:
        self.skipped.append(threading.current_thread())


class Gate:
    """Work that is begun, and not done before it is let go."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.job = Job(self._wait)

    def _wait(self) -> None:
        self.begun.set()
        assert self.go.wait(30)


@pytest.fixture
def busy() -> Iterator[tuple[Background, Gate]]:
    """Work in the background that is in the middle of something."""
    working, gate = Background("busy"), Gate()
    assert working.submit(gate.job)
    assert gate.begun.wait(10)
    yield working, gate
    gate.go.set()
    assert working.drain(10)


def test_work_is_done_in_order_on_a_thread_of_its_own() -> None:
    working, order = Background("order"), list[int]()
    jobs = [Job(lambda number=number: order.append(number)) for number in range(100)]
    assert all(working.submit(job) for job in jobs)
    assert working.drain(10)
    assert order == list(range(100))
    (thread,) = {job.done[0] for job in jobs}
    assert (thread.name, thread.daemon) == ("order", True)
    assert thread is not threading.current_thread()


def test_there_is_no_thread_before_there_is_work() -> None:
    before = threading.active_count()
    working = Background("lazy")
    assert working.drain(0)
    assert threading.active_count() == before


def test_a_queue_that_is_full_refuses(busy: tuple[Background, Gate]) -> None:
    working, _ = busy
    jobs = [Job() for _ in range(MAX_WAITING)]
    assert all(working.submit(job) for job in jobs)
    refused = Job()
    assert not working.submit(refused)
    busy[1].go.set()
    assert working.drain(10)
    assert all(job.done for job in jobs)
    assert not refused.done
    assert not refused.skipped


def test_work_that_holds_too_much_is_refused(busy: tuple[Background, Gate]) -> None:
    working, gate = busy
    assert working.submit(Job(size=MAX_BYTES - 10))
    assert not working.submit(Job(size=11))
    assert working.submit(Job(size=10))
    gate.go.set()
    assert working.drain(10)
    assert working.submit(Job(size=MAX_BYTES))
    assert working.drain(10)


def test_leaving_work_does_not_wait_for_work(busy: tuple[Background, Gate]) -> None:
    began = time.monotonic()
    for _ in range(100):
        assert busy[0].submit(Job())
    assert time.monotonic() - began < 5  # seconds; the work under way would take thirty


def test_drain_says_that_not_all_is_done_in_time(busy: tuple[Background, Gate]) -> None:
    working, gate = busy
    began = time.monotonic()
    assert not working.drain(0.05)
    assert time.monotonic() - began < 5
    gate.go.set()
    assert working.drain(10)


def test_drain_waits_for_the_work_under_way_and_not_only_for_what_waits() -> None:
    working, gate = Background("under way"), Gate()
    working.submit(gate.job)
    assert gate.begun.wait(10)
    threading.Timer(0.05, gate.go.set).start()
    assert working.drain(10)
    assert gate.job.done


def test_a_thread_that_drains_itself_does_not_wait_for_itself() -> None:
    working, answers = Background("itself"), list[bool]()
    working.submit(Job(lambda: answers.extend((working.drain(30), working.is_current_thread))))
    assert working.drain(10)
    assert answers == [False, True]
    assert not working.is_current_thread


def test_work_that_fails_is_counted_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guard, "strict", False)
    monkeypatch.setattr(guard, "faults", type(guard.faults)())
    working, after = Background("failing"), Job()

    def fail() -> None:
        raise LookupError

    working.submit(Job(fail))
    working.submit(after)
    assert working.drain(10)
    assert after.done
    assert guard.faults["failing"] == 1


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_ends_its_thread_ends_no_other_work() -> None:
    working, after = Background("exiting"), Job()

    def leave_the_thread() -> None:
        raise SystemExit

    working.submit(Job(leave_the_thread))
    while working._thread is not None and working._thread.is_alive():
        working._thread.join(10)
    assert working.submit(after)
    assert working.drain(10)
    assert after.done


def test_what_takes_too_long_is_given_up(busy: tuple[Background, Gate]) -> None:
    working, gate = busy
    waiting = Job(size=10)
    working.submit(waiting)
    assert not working.is_overdue(60)
    assert working.is_overdue(-1)
    working.give_up(60)
    assert not waiting.skipped
    working.give_up()
    assert waiting.skipped == gate.job.skipped == [threading.current_thread()]
    assert not working.is_overdue(-1)
    assert working.drain(0), "what was given up is not waited for"
    gate.go.set()
    after = Job(size=MAX_BYTES)
    assert working.submit(after)
    assert working.drain(10)
    assert after.done
    assert not waiting.done


def test_a_scribe_that_has_nothing_to_do_is_not_late() -> None:
    working = Background("idle")
    assert not working.is_overdue(-1)
    working.submit(Job())
    assert working.drain(10)
    assert not working.is_overdue(-1)
    working.give_up()


def test_the_thread_ends_when_it_is_idle_and_another_begins_with_the_next_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "IDLE_SECONDS", 0.05)
    working, first, second = Background("brief"), Job(), Job()
    working.submit(first)
    assert working.drain(10)
    first.done[0].join(10)
    assert not first.done[0].is_alive()
    assert working.submit(second)
    assert working.drain(10)
    assert second.done[0] is not first.done[0]


def test_a_finalizer_may_leave_work_while_work_is_left() -> None:
    working, collected = Background("reentrant"), list[Job]()

    class Finalized:
        def __del__(self) -> None:
            job = Job()
            collected.append(job)
            assert working.submit(job)

    class Cunning(Job):
        """Is asked for its size in the middle of being left."""

        @property
        def size(self) -> int:  # type: ignore[override]
            self.cycle()
            return 0

        @size.setter
        def size(self, _value: int) -> None: ...

        @staticmethod
        def cycle() -> None:
            one = Finalized()
            one.itself = one  # type: ignore[attr-defined]
            del one
            gc.collect()

    assert working.submit(Cunning())
    with working._changed:
        Cunning.cycle()  # as it were in the middle of any method: the lock is held
    assert working.drain(10)
    assert [len(job.done) for job in collected] == [1, 1]


def test_a_finalizer_may_leave_work_while_the_thread_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    working, inner, outer = Background("starting"), Job(), Job()
    start, threads = threading.Thread.start, list[str]()

    def reentrant(thread: threading.Thread) -> None:
        threads.append(thread.name)
        if len(threads) == 1:
            working.submit(inner)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", reentrant)
    assert working.submit(outer)
    assert working.drain(10)
    assert threads == ["starting"]
    assert inner.done[0] is outer.done[0]


def test_many_threads_leave_work_at_once() -> None:
    working, jobs = Background("many"), [[Job() for _ in range(100)] for _ in range(8)]
    threads = [threading.Thread(target=lambda mine=mine: [working.submit(job) for job in mine]) for mine in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert working.drain(10)
    assert all(len(job.done) == 1 for mine in jobs for job in mine)
    assert len({job.done[0] for mine in jobs for job in mine}) == 1


def test_where_no_thread_can_be_started_the_work_waits_for_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    working, jobs = Background("threadless"), [Job() for _ in range(3)]
    assert all(working.submit(job) for job in jobs)
    assert not any(job.done for job in jobs)
    assert working.drain(10)
    assert all(job.done == [threading.current_thread()] for job in jobs)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_forked_child_leaves_its_parents_work_alone_and_does_its_own() -> None:
    program = """
        import os, threading
        from spancast.base.background import Background
        from tests.base.test_background import Gate, Job

        working, gate, waiting = Background("forked"), Gate(), Job()
        working.submit(gate.job)
        working.submit(waiting)
        assert gate.begun.wait(10)
        working._changed.acquire()  # whatever the parent is in the middle of
        child = os.fork()
        if child == 0:
            assert working.drain(0), "the parent's work is not the child's"
            mine = Job()
            assert working.submit(mine) and working.drain(10)
            assert mine.done and not waiting.done and not waiting.skipped
            os._exit(7)
        working._changed.release()
        gate.go.set()
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
        assert working.drain(10) and waiting.done
        print("both")
    """
    assert run(program) == "both\n"


def test_work_that_is_left_when_the_process_ends_can_still_be_drained() -> None:
    program = """
        import atexit
        from spancast.base.background import Background
        from tests.base.test_background import Job

        working = Background("last")

        @atexit.register
        def end():
            assert working.submit(Job(lambda: print("done")))
            print(working.drain(10))
    """
    assert run(program) == "done\nTrue\n"


def test_a_thread_that_waits_does_not_keep_the_process() -> None:
    program = """
        from spancast.base.background import Background
        from tests.base.test_background import Gate

        working, gate = Background("held"), Gate()
        working.submit(gate.job)
        assert gate.begun.wait(10)
        print("end")
    """
    began = time.monotonic()
    assert run(program) == "end\n"
    assert time.monotonic() - began < 25  # seconds; the work would take thirty


def run(program: str) -> str:
    return subprocess.run(
        [sys.executable, "-W", "error", "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(program)],
        cwd=Path(__file__).parents[2],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
