"""The faults that differ by Python, on every Python that is installed here: threads refused at the end, forks, kills.

`SPANCAST_PYTHONS` names further interpreters, parted by colons.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.faults.booked import assert_whole, drained
from tests.support.environments import python_with
from tests.support.oracle import marks
from tests.support.programs import surroundings

ROOT = Path(__file__).parents[2]
OTHERS = ("3.12", "3.13", "3.14", "3.14t")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def installed(version: str) -> Path | None:
    """Return an interpreter of this version."""
    places = [Path(each) for each in os.environ.get("SPANCAST_PYTHONS", "").split(":") if each]
    places += [Path(found) for found in [shutil.which(f"python{version}")] if found]
    places += sorted(Path.home().glob(f".pyenv/versions/{version}*/bin/python"))
    for place in places:
        said = subprocess.run(
            [place, "-c", "import sys; print('%d.%d' % sys.version_info[:2] + getattr(sys, 'abiflags', ''))"],
            capture_output=True,
            text=True,
            check=False,
        )
        if said.stdout.strip() == version:
            return place
    return None


@pytest.fixture(scope="module", params=OTHERS)
def python(request: pytest.FixtureRequest) -> Path:
    """Return an environment of another Python that has Spancast."""
    base = installed(request.param)
    if base is None:
        pytest.skip(f"Python {request.param} is not installed here.")
    return python_with(f"pythons/{request.param}", base=base)


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=8) as simulator:
        yield simulator


def run(
    python: Path, program: list[str], folder: Path, openrouter: Simulator, **more: str
) -> "subprocess.CompletedProcess[str]":
    environment = surroundings(folder / "home", openrouter, PYTHONPATH=str(ROOT), **more)
    return subprocess.run(
        [python, *program], cwd=ROOT, env=environment, check=False, capture_output=True, text=True, timeout=300
    )


CALL_AT_THE_END = """
import atexit, os, sys
import httpx2
def call(user):
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}], "user": user}
    url = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
    httpx2.post(url, json=body, headers={"authorization": "Bearer k"})
atexit.register(call, "first use at exit") if "late" in sys.argv else None
import spancast
spancast.start()
atexit.register(call, "at exit")
if "late" not in sys.argv:
    call("before")
"""


@pytest.mark.parametrize("when", ["early", "late"])
def test_faults_are_outlived_on_another_python(python: Path, when: str, openrouter: Simulator, tmp_path: Path) -> None:
    done = run(python, ["-c", CALL_AT_THE_END, when], tmp_path, openrouter, SPANCAST_CAPTURE_CONTENT="true")
    assert (done.returncode, done.stderr) == (0, "")
    users = {user for user, outcome in drained(tmp_path / "home") if outcome == "completed"}
    assert users == ({"at exit", "first use at exit"} if when == "late" else {"before", "at exit"})


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork here")
@pytest.mark.parametrize("way", ["fork", "executor:fork", "processes:spawn", "processes:forkserver", "threads"])
def test_children_are_booked_on_another_python(python: Path, way: str, openrouter: Simulator, tmp_path: Path) -> None:
    program = ["-m", "spancast", "run", "--", str(python), "-W", "ignore::DeprecationWarning"]
    done = run(
        python, [*program, "-m", "tests.faults.forking", str(tmp_path / "marks"), way, "5"], tmp_path, openrouter
    )
    assert done.returncode == 0, done.stderr
    assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=0)


@pytest.mark.parametrize("how", ["exit", "_exit", "abort"])
def test_deaths_cost_nothing_on_another_python(python: Path, how: str, openrouter: Simulator, tmp_path: Path) -> None:
    run(python, ["-m", "tests.faults.calling", str(tmp_path / "marks"), "3", how, "60"], tmp_path, openrouter)
    assert_whole(tmp_path / "home", tmp_path / "marks", in_flight=3)
    assert len(marks(tmp_path / "marks", "done")) >= 57


CREATE_A_SUBINTERPRETER = """
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters
inner = interpreters.create()
interpreters.run_string(inner, "print('ran', flush=True)")
interpreters.destroy(inner)
"""


def test_a_subinterpreter_that_cannot_have_us_is_silent(python: Path, openrouter: Simulator, tmp_path: Path) -> None:
    command = ["-m", "spancast", "run", "--", str(python), "-c", CREATE_A_SUBINTERPRETER]
    done = run(python, command, tmp_path, openrouter)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ran\n", "")


SIXTEEN = """
import sys, threading
from pathlib import Path
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call
journal = Journal(Path(sys.argv[1]))
def append(name):
    for number in range(int(sys.argv[2])):
        journal.append(call(call_id=f"{name:08x}{number:024x}"))
threads = [threading.Thread(target=append, args=(name,)) for name in range(16)]
for thread in threads: thread.start()
for thread in threads: thread.join()
journal.close()
print(getattr(sys, "_is_gil_enabled", lambda: True)())
"""


def test_sixteen_threads_leave_whole_records_on_another_python(
    python: Path, openrouter: Simulator, tmp_path: Path
) -> None:
    done = run(python, ["-c", SIXTEEN, str(tmp_path / "home"), "2000"], tmp_path, openrouter)
    assert done.returncode == 0, done.stderr
    assert len(drained(tmp_path / "home")) == 32_000
    free_threaded = "t" in python.parts[-3]
    assert done.stdout.strip() == str(not free_threaded), "importing us must not take the lock back in"
