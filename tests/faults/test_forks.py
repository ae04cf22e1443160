"""Calls of forked, spawned and pooled children are all booked, however the children end."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.bookkeeping.records import output
from tests.faults.booked import assert_whole, drained
from tests.support.oracle import marks
from tests.support.programs import run_program, surroundings

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork here")


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=2) as simulator:
        yield simulator


def run(way: str, children: int, openrouter: Simulator, folder: Path, timeout: float = 60) -> int:
    """Run the program under `spancast run`; return how many calls it made."""
    program = ["-m", "tests.faults.forking", folder / "marks", way, str(children)]
    done = subprocess.run(
        [sys.executable, "-m", "spancast", "run", "--", sys.executable, *program],
        cwd=ROOT,
        env=surroundings(folder / "home", openrouter),
        check=True,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    assert done.stdout == "over\n"
    outcomes = assert_whole(folder / "home", folder / "marks", in_flight=0)
    assert {*outcomes} == {"completed"}
    return len(marks(folder / "marks", "done"))


@pytest.mark.parametrize(
    "way",
    [
        "fork",
        "executor:fork",
        pytest.param("processes:spawn", marks=pytest.mark.slow),
        pytest.param("processes:fork", marks=pytest.mark.slow),
        pytest.param("processes:forkserver", marks=pytest.mark.slow),
        pytest.param("executor:spawn", marks=pytest.mark.slow),
        pytest.param("executor:forkserver", marks=pytest.mark.slow),
        pytest.param("pool:fork", marks=pytest.mark.slow),
        pytest.param("pool:spawn", marks=pytest.mark.slow),
    ],
)
def test_what_children_do_is_booked(way: str, openrouter: Simulator, tmp_path: Path) -> None:
    assert run(way, 4, openrouter, tmp_path) >= 5


def test_forks_among_threads_that_make_calls(openrouter: Simulator, tmp_path: Path) -> None:
    assert run("threads", 6, openrouter, tmp_path) >= 8


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_a_thousand_forks_among_threads_that_make_calls_hang_never(openrouter: Simulator, tmp_path: Path) -> None:
    assert run("threads", 1000, openrouter, tmp_path, timeout=280) >= 1002


UNTOLD = """
import ctypes, os, sys
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
from tests.support.oracle import Oracle
home, oracle = Path(sys.argv[1]), Oracle(sys.argv[2])
journal = Journal(home)

def append(user):
    oracle.mark("begun", user)
    journal.append(call(user=user))
    oracle.mark("done", user)

if sys.argv[3] == "after":
    append("parent")
children = []
for number in range(3):
    child = ctypes.PyDLL(None).fork()  # as a server written in C does it: Python is not told
    if child == 0:
        for each in range(20):
            append(f"child-{number}-{each}")
        os._exit(0)
    children.append(child)
for child in children:
    os.waitpid(child, 0)
append("parent-at-last")
"""


@pytest.mark.parametrize("first", ["before", "after"])
def test_children_of_a_fork_that_python_is_not_told_of_write_segments_of_their_own(first: str, tmp_path: Path) -> None:
    output(UNTOLD, tmp_path / "home", tmp_path / "marks", first)

    assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=0)
    assert len(marks(tmp_path / "marks", "done")) == 61 + (first == "after")


IN_THE_MIDDLE = """
import os, sys, httpx2, spancast
spancast.start()
body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "stream": True}
url = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
with httpx2.stream("POST", url, json=body, headers={"authorization": "Bearer sk-or-v1-simulator"}) as answer:
    pieces = answer.iter_raw(16)
    next(pieces)
    child = os.fork()
    if child == 0 and sys.argv[1] == "child":
        sys.exit(0)
    if child and sys.argv[1] == "parent":
        os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    if child:
        assert os.waitpid(child, 0)[1] == 0
    for _ in pieces:
        pass
"""


@pytest.mark.parametrize("leaves", ["child", "parent"])
def test_a_stream_that_is_open_at_a_fork_has_its_cost_whichever_process_reads_on(
    leaves: str, openrouter: Simulator, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", IN_THE_MIDDLE, leaves]
    subprocess.run(command, env=surroundings(tmp_path / "home", openrouter), check=True, timeout=60)
    assert [outcome for _, outcome in drained(tmp_path / "home")] == ["completed"]


FORKS = """
import os, threading
begun, start = [], threading.Thread.start
threading.Thread.start = lambda thread: (begun.append(thread.name), start(thread))
if not os.fork():
    os._exit(len(begun))
print(os.waitstatus_to_exitcode(os.wait()[1]))
"""


def test_a_forked_child_begins_no_thread_of_ours(openrouter: Simulator, tmp_path: Path) -> None:
    done = run_program(FORKS, surroundings(tmp_path, openrouter))
    assert (done.stdout, done.stderr) == ("0\n", "")
