"""What lies in the place of the ledger and is none: the application reads one line of it, and no call is lost."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.support.programs import calls, costs, surroundings

PROGRAM = """
import os, time, httpx2, spancast
from spancast.base import guard
spancast.start(ledger_retention="1d", backfill_key="sk-or-v1-backfill", estimate=True)
url = os.environ["OPENROUTER_BASE_URL"] + "/chat/completions"
for number in range(3):
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi"}]}
    httpx2.post(url, json=body, headers={"Authorization": "Bearer " + os.environ["OPENROUTER_API_KEY"]})
    time.sleep(0.4)  # the thread that books looks several times a second
flushed = spancast.flush(timeout=0.5)
stopped = spancast.stop(timeout=0.5)
print(flushed, stopped, guard.faults["moving"])
"""


def foreign(path: Path) -> None:
    """Make the database of another application."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes(name TEXT)")


def newer(path: Path) -> None:
    """Make a ledger of a later version."""
    foreign(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version=1000")


def garbage(path: Path) -> None:
    """Make what is no database."""
    path.write_bytes(b"dear diary, " * 5000)


def run(home: Path, openrouter: Simulator) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", PROGRAM],
        env=surroundings(home, openrouter),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )


@pytest.mark.parametrize("file", ["ledger.db", "outbox.db"])
@pytest.mark.parametrize(
    ("make", "said"),
    [(foreign, "is a database of another program"), (newer, "has version 1000"), (Path.mkdir, "Is a directory")],
    ids=["foreign", "newer", "folder"],
)
def test_it_is_one_line_and_the_calls_wait_until_it_is_moved_away(
    tmp_path: Path, openrouter: Simulator, make: Callable[[Path], None], said: str, file: str
) -> None:
    make(tmp_path / file)
    done = run(tmp_path, openrouter)
    flushed, stopped, faults = done.stdout.split()
    assert (flushed, stopped, int(faults) > 0) == ("False", "False", True)
    assert (done.stderr.count("\n"), "Traceback" in done.stderr) == (1, False), done.stderr
    assert said in done.stderr
    assert f"in {tmp_path}; they wait. `spancast doctor` says what to do." in done.stderr
    (tmp_path / file).rename(tmp_path / "away")
    environment = surroundings(tmp_path, openrouter)
    assert len(calls(environment)) == 3
    assert costs(environment)["total"]["cost_usd"] is not None


@pytest.mark.parametrize("file", ["ledger.db", "outbox.db"])
def test_garbage_is_one_line_and_the_calls_are_booked_beside_it(
    tmp_path: Path, openrouter: Simulator, file: str
) -> None:
    garbage(tmp_path / file)
    done = run(tmp_path, openrouter)
    assert done.stdout.split()[:2] == ["True", "True"]
    assert (done.stderr.count("\n"), "Traceback" in done.stderr) == (1, False), done.stderr
    assert f"{tmp_path / file} is damaged. It is kept as {file}.damaged-" in done.stderr
    assert len(calls(surroundings(tmp_path, openrouter))) == 3
    assert len(list(tmp_path.glob(f"{file}.damaged-*[0-9]"))) == 1
