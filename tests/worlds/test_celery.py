"""celery's pools: recycled children, warm and cold ends, over a broker that is a folder."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.faults.booked import assert_whole
from tests.support.environments import python_with
from tests.support.oracle import marks
from tests.support.programs import surroundings
from tests.support.waiting import eventually

ROOT = Path(__file__).parents[2]
SEND = "import sys; from tests.worlds.tasks import ask; [ask.delay(f'task-{n}') for n in range(int(sys.argv[1]))]"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),
    pytest.mark.skipif(sys.platform == "win32", reason="the prefork pool needs fork"),
]


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=14) as simulator:
        yield simulator


@pytest.mark.parametrize(
    ("options", "number"),
    [
        (("-c", "2"), signal.SIGTERM),
        (("-c", "2"), signal.SIGQUIT),
        (("-c", "2"), signal.SIGKILL),
        (("-c", "2", "--max-tasks-per-child", "1"), signal.SIGTERM),
        (("-P", "threads", "-c", "2"), signal.SIGTERM),
        (("-P", "gevent", "-c", "10"), signal.SIGTERM),
    ],
    ids=["warm", "cold", "killed", "recycled", "threads", "gevent"],
)
def test_every_call_of_every_task_is_booked(
    options: tuple[str, ...], number: signal.Signals, openrouter: Simulator, tmp_path: Path
) -> None:
    python = python_with("worlds/celery", "celery>=5.5", "gevent>=26")
    marked = tmp_path / "marks"
    environment = surroundings(
        tmp_path / "home", openrouter, MARKS=str(marked), BROKER=str(tmp_path / "broker"), PYTHONPATH=str(ROOT)
    )
    subprocess.run([python, "-c", SEND, "20"], cwd=ROOT, env=environment, check=True, timeout=60)
    worker = [python, "-m", "celery", "-A", "tests.worlds.tasks", "worker", "--loglevel", "warning", *options]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(worker, cwd=ROOT, env=environment, stdout=log, stderr=log, start_new_session=True)
    try:
        eventually(lambda: len(marks(marked, "done")) >= 20, 60, by=process, telling=(tmp_path / "log").read_text)
        if number != signal.SIGKILL:
            process.send_signal(number)
            process.wait(60)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    assert_whole(tmp_path / "home", marked, in_flight=0)
