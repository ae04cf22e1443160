"""Many processes on one home: each call is booked and sent once, soon; one that stands still holds up nobody."""

import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from spancast.bookkeeping.book import Book
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.journal.pump import Pump
from spancast.delivery.outbox.outbox import Outbox
from spancast.testing import Simulator
from tests.bookkeeping.records import call, python
from tests.faults.booked import assert_whole, drained
from tests.faults.standing import STANDING
from tests.support.oracle import marks
from tests.support.platform import Platform
from tests.support.programs import spancast, surroundings

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=5) as simulator:
        yield simulator


@pytest.mark.slow
def test_eight_processes_with_one_home_book_and_send_each_call_once(openrouter: Simulator, tmp_path: Path) -> None:
    with Platform().open() as platform:
        environment = surroundings(
            tmp_path / "home", openrouter, SPANCAST_DESTINATIONS="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=platform.url
        )
        command = [sys.executable, "-m", "tests.faults.calling", tmp_path / "marks", "2"]
        processes = [
            subprocess.Popen([*command, "exit" if number % 2 else "_exit", "25"], cwd=ROOT, env=environment)
            for number in range(8)
        ]
        for process in processes:
            process.wait(100)
        spancast("deliver", environment=environment)
        assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=8 * 2)
        assert {*platform.taken.values()} == {1}
        assert len(platform.taken) >= len(marks(tmp_path / "marks", "done")) >= 8 * 25


WORKER = """
import os, sys, time
from pathlib import Path
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.delivery.journal.pump import Pump
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call
home = Path(sys.argv[1])
journal = Journal(home)
pump = Pump(journal, Drainer(home, [Book(home), Outbox(home)]))
pump.start()
print("ready", flush=True)
sys.stdin.readline()
for _ in range(20):
    journal.append(call(started_at=time.time_ns()))
    time.sleep(0.1)
print("over", flush=True)
sys.stdin.readline()
os._exit(0)
"""


@pytest.mark.slow
def test_what_sixteen_living_workers_do_is_booked_within_a_second(tmp_path: Path) -> None:
    workers = [python(WORKER, tmp_path) for _ in range(16)]
    lags: list[float] = []
    with closing(Book(tmp_path)) as book:
        for worker in workers:
            assert worker.stdout is not None
            assert worker.stdin is not None
            worker.stdout.readline()
        for worker in workers:
            print(file=worker.stdin, flush=True)  # type: ignore[arg-type]
        seen, deadline = 0, time.monotonic() + 30
        while seen < 16 * 20 and time.monotonic() < deadline:
            with book.reading() as connection:
                rows = connection.execute("SELECT seq, started_at FROM calls WHERE seq > ?", (seen,)).fetchall()
            now = time.time_ns()
            lags += [(now - row["started_at"]) / 1e9 for row in rows]
            seen = max([seen, *(row["seq"] for row in rows)])
            time.sleep(0.01)
        for worker in workers:
            worker.communicate("\n", timeout=30)
    assert len(lags) == 16 * 20
    assert max(lags) < 1.0, sorted(lags)[-5:]


@pytest.mark.parametrize("held", ["drainer.lock", "ledger.lock", "outbox.lock"])
def test_a_process_that_stands_still_with_a_lock_holds_up_no_caller_and_loses_nothing(
    held: str, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    journal, book, outbox = Journal(home), Book(home), Outbox(home)
    pump = Pump(journal, Drainer(home, [book, outbox]))
    journal.append(call(user="before"))
    assert pump.run_once()
    with python(STANDING, home, held) as standing:
        assert standing.stdout is not None
        assert standing.stdout.readline() == "holds\n"
        pump.start()
        began = time.monotonic()
        for number in range(50):
            journal.append(call(user=f"meanwhile-{number}"))
        assert time.monotonic() - began < 0.5
        began = time.monotonic()
        assert pump.flush(0.2) is False
        assert time.monotonic() - began < 0.3
        standing.send_signal(signal.SIGCONT)
        standing.wait(20)
    assert pump.flush(20.0)
    pump.stop(20.0)
    journal.close()
    book.close()
    outbox.close()
    assert len(drained(home)) == 51


def test_a_program_that_is_stopped_and_goes_on_loses_and_doubles_nothing(openrouter: Simulator, tmp_path: Path) -> None:
    with Platform().open() as platform:
        environment = surroundings(
            tmp_path / "home", openrouter, SPANCAST_DESTINATIONS="otlp", OTEL_EXPORTER_OTLP_ENDPOINT=platform.url
        )
        command = [sys.executable, "-m", "tests.faults.calling", tmp_path / "marks", "2", "exit", "60"]
        with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            process.stdout.readline()
            for _ in range(3):
                time.sleep(0.1)
                process.send_signal(signal.SIGSTOP)
                time.sleep(0.2)
                process.send_signal(signal.SIGCONT)
            assert process.wait(60) == 0
        spancast("deliver", environment=environment)
    outcomes = assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=2)
    assert outcomes["completed"] >= 60
    assert {*platform.taken.values()} == {1}


@pytest.mark.slow
def test_two_applications_with_one_home_are_told_apart(openrouter: Simulator, tmp_path: Path) -> None:
    for name in ("one", "two"):
        environment = surroundings(tmp_path / "home", openrouter, OTEL_SERVICE_NAME=name)
        command = [sys.executable, "-m", "tests.faults.calling", tmp_path / "marks", "1", "_exit", "3"]
        subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=60, stdout=subprocess.DEVNULL)
    drained(tmp_path / "home")
    with closing(Book(tmp_path / "home")) as book, book.reading() as connection:
        apps = Counter(row["app"] for row in connection.execute("SELECT app FROM calls"))
    assert apps == {"one": 3, "two": 3}
    assert list((tmp_path / "home" / "journal").iterdir()) == []
