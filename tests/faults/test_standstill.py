"""Rows 26, 30 and 40: a disk, or another process with a lock of ours, stands still, and the application does not."""

import itertools
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest

from spancast.base.locks import FileLock
from spancast.runtime import EXIT_SECONDS, REGISTRATION_SECONDS
from spancast.testing import Simulator
from tests.bookkeeping.records import python
from tests.faults.booked import drained
from tests.faults.standing import STANDING
from tests.support.faults import modes
from tests.support.faults.collector import FaultCollector
from tests.support.platform import Received
from tests.support.programs import surroundings

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals are POSIX's")

ALLOWANCE = 0.7
"""Seconds beyond the constants of ours, for a busy machine; what stands still does so for three at least."""
PROGRAM = """
import atexit, os, sys, time
atexit.register(lambda: print("exit", time.monotonic() - began, flush=True))  # the first, and so the last to run
import httpx2, httpcore2, spancast, spancast.delivery.courier.courier, spancast_exporters.otlp

def timed(name, work):
    begun = time.monotonic()
    work()
    print(name, time.monotonic() - begun, flush=True)

def call():
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "user": "u"}
    url = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
    httpx2.post(url, json=body, headers={"authorization": "Bearer sk-or-v1-simulator"})

places = [spancast.Destination("otlp", name=name, endpoint=sys.argv[1]) for name in ("one", "two", "three")]
timed("start", lambda: spancast.start(places))
call()
timed("flush", lambda: spancast.flush(float(sys.argv[2])))
began = time.monotonic()
"""


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=4) as simulator:
        yield simulator


@pytest.fixture
def platform() -> Iterator[FaultCollector]:
    with FaultCollector().open() as opened:
        yield opened


def ran(
    home: Path, openrouter: Simulator, platform: FaultCollector, *under: str, flush: float = 0.3
) -> dict[str, float]:
    """Run the program to its end; return how many seconds each thing took."""
    command = [*under, sys.executable, "-c", PROGRAM, platform.url, str(flush)]
    done = subprocess.run(
        command, env=surroundings(home, openrouter), check=True, capture_output=True, text=True, timeout=30
    )
    return {name: float(took) for name, took in map(str.split, done.stdout.splitlines())}


def assert_unhindered(ran: dict[str, float], flush: float = 0.3) -> None:
    assert ran["start"] <= REGISTRATION_SECONDS + ALLOWANCE
    assert ran["flush"] <= flush + 0.1 + ALLOWANCE
    assert ran["exit"] <= EXIT_SECONDS + ALLOWANCE


@pytest.mark.parametrize("held", ["outbox.lock", "ledger.lock", "drainer.lock"])
def test_a_process_that_stands_still_with_a_lock_holds_up_no_start_no_flush_and_no_end(
    held: str, openrouter: Simulator, platform: FaultCollector, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    home.mkdir(0o700)
    with python(STANDING, home, held) as standing:
        assert standing.stdout is not None
        assert standing.stdout.readline() == "holds\n"
        try:
            assert_unhindered(ran(home, openrouter, platform))
        finally:
            standing.send_signal(signal.SIGCONT)
    assert drained(home) == [("u", "completed")]


def test_a_process_that_stands_still_from_the_platforms_answer_on_holds_up_no_flush_and_no_end(
    openrouter: Simulator, platform: FaultCollector, tmp_path: Path
) -> None:
    lock, requests = FileLock(tmp_path / "home" / "outbox.lock"), itertools.count()

    def answering(handler: BaseHTTPRequestHandler, received: Received) -> bool:
        if next(requests) == 0:
            lock.acquire(5.0)  # so that what the platform has taken cannot be entered
        return modes.healthy(handler, received)

    platform.mode = answering
    took = ran(tmp_path / "home", openrouter, platform)
    lock.release()
    assert_unhindered(took)
    assert drained(tmp_path / "home") == [("u", "completed")]


@pytest.mark.skipif(shutil.which("strace") is None, reason="There is no strace here to hold up the disk with.")
def test_a_disk_that_stands_still_holds_up_no_start_no_flush_and_no_end(
    openrouter: Simulator, platform: FaultCollector, tmp_path: Path
) -> None:
    syncs = "fsync,fdatasync"
    slowly = ("strace", "-f", "-o", "/dev/null", "-e", f"trace={syncs}", "-e", f"inject={syncs}:delay_enter=3000000")
    assert_unhindered(ran(tmp_path / "home", openrouter, platform, *slowly))
    assert drained(tmp_path / "home") == [("u", "completed")]
