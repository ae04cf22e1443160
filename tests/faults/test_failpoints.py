"""A process struck at every one of its calls into the system: what the next one finds is whole.

A point a run, in a process of its own; the points are counted by living once (`in_failpoints`).
"""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.faults.failpoints import VARIABLE

ROOT = Path(__file__).parents[2]
LIFE = [sys.executable, "-m", "tests.faults.in_failpoints"]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="forks and signals are POSIX's")


def struck(nth: int, *hows: str) -> dict[str, Any]:
    """Strike at every nth point, on a file system in memory if there is one: the order of calls is what matters."""
    where = os.environ | ({"TMPDIR": "/dev/shm"} if os.access("/dev/shm", os.W_OK) else {})
    done = subprocess.run(
        [*LIFE, "--every", str(nth), *hows],
        cwd=ROOT,
        env=where,
        check=True,
        capture_output=True,
        text=True,
        timeout=110,
    )
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_kill_at_a_call_into_the_system_loses_and_doubles_nothing() -> None:
    found = struck(7, "before:kill")

    assert found["wrong"] == {}
    assert found["tried"] > 30


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before:kill", "after:kill", "half:kill"])
def test_a_kill_at_any_call_into_the_system_loses_and_doubles_nothing(how: str) -> None:
    found = struck(1, how)

    assert found["wrong"] == {}
    assert found["tried"] > 200


@pytest.mark.slow
@pytest.mark.parametrize("how", ["before:raise", "after:raise"])
def test_an_error_of_the_disk_at_any_call_reaches_nobody_and_loses_nothing(how: str) -> None:
    found = struck(1, how)

    assert found["wrong"] == {}
    assert found["tried"] > 200


def test_a_point_is_chosen_by_the_environment(tmp_path: Path) -> None:
    seams = subprocess.run([*LIFE, tmp_path / "whole"], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    at = seams.splitlines().index("write") + 1
    point = os.environ | {VARIABLE: f"{at}:after:kill"}
    done = subprocess.run([*LIFE, tmp_path / "home"], cwd=ROOT, env=point, check=False, capture_output=True)

    assert done.returncode == -signal.SIGKILL
    assert [path.suffix for path in (tmp_path / "home" / "journal").iterdir()] == [".new"]
