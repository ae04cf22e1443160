"""No death of a process costs a call that the application had its answer of."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.bookkeeping.records import python
from tests.faults.booked import assert_whole
from tests.support.oracle import marks
from tests.support.programs import surroundings

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=1) as simulator:
        yield simulator


def living(home: Path, openrouter: Simulator, threads: int, how: str, calls: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.faults.calling", home / "marks", str(threads), how, str(calls)],
        cwd=ROOT,
        env=surroundings(home / "home", openrouter, SPANCAST_DESTINATIONS="otlp"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


@pytest.mark.parametrize(
    ("how", "code"),
    [
        ("_exit", 0),
        ("abort", -signal.SIGABRT),
        ("segfault", -signal.SIGSEGV),
        pytest.param("raise", 1, marks=pytest.mark.slow),
        ("exec", 0),
        pytest.param("exit", 0, marks=pytest.mark.slow),
    ],
)
def test_an_end_of_its_own_costs_nothing(how: str, code: int, openrouter: Simulator, tmp_path: Path) -> None:
    with living(tmp_path, openrouter, 1, how, 12) as process:
        assert process.wait(60) == code

    assert_whole(tmp_path / "home", tmp_path / "marks")
    assert len(marks(tmp_path / "marks", "done")) == 12


def struck(home: Path, openrouter: Simulator, number: signal.Signals, seed: int, threads: int = 3) -> None:
    """Let a program make calls, and end it by a signal at some instant."""
    with living(home, openrouter, threads, "never", 0) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(random.Random(seed).uniform(0.05, 0.6))
        process.send_signal(number)
        assert process.wait(60) == -number
    assert_whole(home / "home", home / "marks", in_flight=threads)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_signal_at_some_instant_costs_nothing(number: signal.Signals, openrouter: Simulator, tmp_path: Path) -> None:
    struck(tmp_path, openrouter, number, seed=number)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGQUIT, signal.SIGABRT, signal.SIGHUP])
@pytest.mark.parametrize("seed", range(5))
def test_a_signal_at_any_instant_costs_nothing(
    number: signal.Signals, seed: int, openrouter: Simulator, tmp_path: Path
) -> None:
    struck(tmp_path, openrouter, number, seed=100 + seed)


@pytest.mark.slow
def test_lives_that_are_cut_one_after_the_other_lose_nothing(openrouter: Simulator, tmp_path: Path) -> None:
    for seed in range(2):
        with living(tmp_path, openrouter, 2, "never", 0) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.Random(seed).uniform(0.1, 0.4))
            process.kill()

    outcomes = assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=4)
    assert outcomes["completed"] > 0


APPENDING = """
import sys, threading
from pathlib import Path
from spancast.delivery.journal import Journal
from spancast.delivery.pump import Pump
from spancast.delivery.drainer import Drainer
from spancast.delivery.outbox import Outbox
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call, opened
from tests.support.oracle import Oracle
home, oracle = Path(sys.argv[1]), Oracle(sys.argv[2])
journal = Journal(home)
pump = Pump(journal, Drainer(home, [Book(home), Outbox(home)]))
pump.start()
print("ready", flush=True)
for number in range(5000):
    pending = opened(user=f"{oracle._pid}-{number}")
    oracle.mark("begun", pending.user)
    journal.append(pending)
    journal.append(call(call_id=pending.call_id, user=pending.user))
    oracle.mark("done", pending.user)
"""


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(50))
def test_five_thousand_calls_as_quick_as_can_be_and_a_kill_among_them(seed: int, tmp_path: Path) -> None:
    with python(APPENDING, tmp_path / "home", tmp_path / "marks") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(random.Random(seed).uniform(0.0, 0.4))
        process.kill()

    assert_whole(tmp_path / "home", tmp_path / "marks")
