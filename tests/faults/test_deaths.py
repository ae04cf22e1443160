"""No death of a process costs a call that the application had its answer of."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
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


def calling(home: Path, threads: int, how: str, calls: int) -> list[str | Path]:
    return [sys.executable, "-m", "tests.faults.calling", home / "marks", str(threads), how, str(calls)]


def living(home: Path, openrouter: Simulator, command: Sequence[str | Path]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command,
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
    with living(tmp_path, openrouter, calling(tmp_path, 1, how, 12)) as process:
        assert process.wait(60) == code

    assert_whole(tmp_path / "home", tmp_path / "marks")
    assert len(marks(tmp_path / "marks", "done")) == 12


@contextmanager
def little_memory(size: int) -> Iterator[list[str]]:
    """Yield what runs a command in a control group that has so many bytes of memory; skip where none can be made."""
    group, limit = CGROUPS / "memory" / f"spancast-{os.getpid()}", "memory.limit_in_bytes"
    if not (CGROUPS / "memory" / limit).exists():
        group, limit = CGROUPS / f"spancast-{os.getpid()}", "memory.max"
    try:
        group.mkdir()
        (group / limit).write_text(str(size))
        if (swap := group / "memory.swap.max").exists():
            swap.write_text("0")
    except OSError as error:
        with suppress(OSError):
            group.rmdir()
        pytest.skip(f"No control group can be made here: {error}")
    try:
        yield ["sh", "-c", f'echo $$ > {group}/cgroup.procs && exec "$@"', "sh"]
    finally:
        group.rmdir()


CGROUPS = Path("/sys/fs/cgroup")


@pytest.mark.skipif(sys.platform != "linux", reason="control groups are Linux's")
def test_an_end_for_want_of_memory_costs_nothing(openrouter: Simulator, tmp_path: Path) -> None:
    command = calling(tmp_path, 1, "memory", 12)
    with little_memory(200_000_000) as under, living(tmp_path, openrouter, [*under, *command]) as process:
        assert process.wait(60) == -signal.SIGKILL
    assert_whole(tmp_path / "home", tmp_path / "marks")
    assert len(marks(tmp_path / "marks", "done")) == 12


def struck(home: Path, openrouter: Simulator, number: signal.Signals, seed: int, threads: int = 3) -> None:
    """Let a program make calls, and end it by a signal at some instant."""
    with living(home, openrouter, calling(home, threads, "never", 0)) as process:
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
        with living(tmp_path, openrouter, calling(tmp_path, 2, "never", 0)) as process:
            assert process.stdout is not None
            process.stdout.readline()
            time.sleep(random.Random(seed).uniform(0.1, 0.4))
            process.kill()

    outcomes = assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=4)
    assert outcomes["completed"] > 0


APPENDING = """
import sys, threading
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from spancast.delivery.journal.pump import Pump
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.outbox.outbox import Outbox
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


BUSY = """
import itertools, sys, threading
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from spancast.delivery.journal.pump import Pump
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.outbox.outbox import Outbox
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call
from tests.support.oracle import Oracle
home, oracle = Path(sys.argv[1]), Oracle(sys.argv[2])
journal = Journal(home)
Pump(journal, Drainer(home, [Book(home), Outbox(home)])).start()

def work(name):
    for number in itertools.count():
        user = f"{name}-{number}"
        oracle.mark("begun", user)
        journal.append(call(user=user))
        oracle.mark("done", user)
        sum(range(300_000))  # so that the other threads have to wait for the interpreter

for name in range(32): threading.Thread(target=work, args=(name,), daemon=True).start()
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_kill_among_more_busy_threads_than_the_machine_can_run_costs_nothing(tmp_path: Path) -> None:
    with python(BUSY, tmp_path / "home", tmp_path / "marks") as process:
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(3.0)
        process.kill()

    assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=32)
    assert len(marks(tmp_path / "marks", "done")) > 32
