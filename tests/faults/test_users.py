"""A process that has become another user's: what it may not write at home any more it keeps in a home of that user."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from spancast.testing import Simulator
from tests.faults.booked import drained
from tests.support.programs import calls, surroundings

NOBODY = 65534
CALLS = f"""
import os, sys, httpx2, spancast
client = httpx2.Client()  # whoever it becomes may not read the certificates
def call(user):
    body = {{"model": "openai/gpt-4o-mini", "messages": [{{"role": "user", "content": "Hi"}}], "user": user}}
    headers = {{"authorization": "Bearer sk-or-v1-simulator"}}
    answer = client.post(os.environ["OPENROUTER_BASE_URL"] + "/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200
def become_another():
    os.setgroups([])
    os.setgid({NOBODY})
    os.setuid({NOBODY})
spancast.start()
call("master")
"""

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="a process stays its user's there"),
    pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="ONLY ROOT MAY BECOME ANOTHER USER"),
]


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=4) as simulator:
        yield simulator


@pytest.fixture
def temporary() -> Iterator[Path]:
    """Give a directory for temporary files in which anybody may make some."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o1777)
        yield Path(folder)


def run(program: str, home: Path, openrouter: Simulator, temporary: Path, **more: str) -> str:
    """Run a program to its end; return its log."""
    done = subprocess.run(
        [sys.executable, "-c", CALLS + program],
        env=surroundings(home, openrouter, TMPDIR=str(temporary), **more),
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stderr


FORKED = """
if os.fork() == 0:
    become_another()
    for number in range(3):
        call(f"worker-{number}")
    delivered = spancast.flush(0.2)
    sys.exit(7 if delivered else 0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
call("master at last")
"""


@pytest.mark.parametrize("destinations", ["", "langfuse"])
def test_the_calls_of_a_worker_that_has_become_another_users_are_kept_in_that_users_home(
    destinations: str, openrouter: Simulator, temporary: Path
) -> None:
    keys = {
        "LANGFUSE_PUBLIC_KEY": "pk-lf-1",
        "LANGFUSE_SECRET_KEY": "sk-lf-1",
        "LANGFUSE_BASE_URL": "http://127.0.0.1:9",
    }
    home, instead = temporary / "home", temporary / f"spancast-{NOBODY}"
    log = run(FORKED, home, openrouter, temporary, SPANCAST_DESTINATIONS=destinations, **keys)
    assert log.count("instead") == 1
    assert f"SPANCAST_HOME={instead}" in log
    assert "in memory" not in log
    kept = [path.stat() for path in (instead, *instead.rglob("*"))]
    assert {(each.st_uid, each.st_mode & 0o077) for each in kept} == {(NOBODY, 0)}
    for path in (instead, instead / "journal"):  # the command is run as that user, who may not read this interpreter
        os.chown(path, 0, 0)
    assert len(calls(surroundings(instead, openrouter))) == 3
    assert sorted(user for user, _ in drained(home)) == ["master", "master at last"]
    assert sorted(user for user, _ in drained(instead)) == ["worker-0", "worker-1", "worker-2"]


ALONE = """
become_another()
for number in range(3):
    call(f"{number}")
spancast.flush(0.5)
"""


def test_what_is_open_when_a_process_becomes_anothers_is_written_on(openrouter: Simulator, temporary: Path) -> None:
    run(ALONE, temporary / "home", openrouter, temporary)
    assert [user for user, _ in drained(temporary / "home")] == ["master", "0", "1", "2"]
    assert not (temporary / f"spancast-{NOBODY}").exists()


FOR_A_WHILE = f"""
if os.fork() == 0:
    os.setegid({NOBODY})
    os.seteuid({NOBODY})
    call("for a while")
    os.seteuid(0)
    os.setegid(0)
    spancast.flush(2.0)
    call("again")
    sys.exit(0 if spancast.flush(5.0) else 7)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""


def test_a_process_that_is_its_first_users_again_goes_on_at_home(openrouter: Simulator, temporary: Path) -> None:
    run(FOR_A_WHILE, temporary / "home", openrouter, temporary)
    assert sorted(user for user, _ in drained(temporary / "home")) == ["again", "master"]
    assert [user for user, _ in drained(temporary / f"spancast-{NOBODY}")] == ["for a while"]


NOWHERE = """
os.chmod(os.environ["TMPDIR"], 0o755)
import spancast.base.homes as homes
from pathlib import Path
homes._fallbacks = lambda: iter((Path(os.environ["TMPDIR"]) / "none",))
if os.fork() == 0:
    become_another()
    call("worker")
    sys.exit(7 if spancast.flush(0.2) else 0)
assert os.waitstatus_to_exitcode(os.wait()[1]) == 0
"""


def test_where_that_user_has_no_place_either_it_is_said(openrouter: Simulator, temporary: Path) -> None:
    log = run(NOWHERE, temporary / "home", openrouter, temporary)
    assert f"{temporary / 'home' / 'journal'} cannot be written; records wait in memory." in log


ANOTHER = """
spancast.stop()
become_another()
spancast.start()
call("another")
"""


def test_a_home_in_which_root_was_first_is_none_for_another_user(openrouter: Simulator, temporary: Path) -> None:
    """A volume to which all may write, in which root has run a program before the one that is not root's."""
    home = temporary / "home"
    home.mkdir()
    home.chmod(0o777)
    said = run(ANOTHER, home, openrouter, temporary)
    assert "that this user cannot read and write; remove it, or change its owner" in said
    assert [user for user, _ in drained(home)] == ["master"]
    assert [user for user, _ in drained(temporary / f"spancast-{NOBODY}")] == ["another"]
