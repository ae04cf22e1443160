"""A full disk, and places that cannot be written: the application never sees it, and nothing is lost in silence."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from spancast.base import homes
from spancast.bookkeeping.book import Book
from spancast.testing import Simulator
from tests.bookkeeping.records import output
from tests.faults.booked import drained
from tests.support.programs import surroundings

CALLS = """
import os, sys, time, httpx2, spancast
def call(user, **more):
    body = {"model": "openai/gpt-4o-mini", "messages": [{"role": "user", "content": "Hi " * 400}], "user": user, **more}
    headers = {"authorization": "Bearer sk-or-v1-simulator"}
    answer = httpx2.post(os.environ["OPENROUTER_BASE_URL"] + "/chat/completions", json=body, headers=headers)
    assert answer.status_code == 200
spancast.start()
"""
posix = pytest.mark.skipif(sys.platform == "win32", reason="limits, owners and mounts are POSIX's")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may do this")


@pytest.fixture(scope="module")
def openrouter() -> Iterator[Simulator]:
    with Simulator(seed=4) as simulator:
        yield simulator


def run(program: str, home: Path, openrouter: Simulator, **more: str) -> str:
    """Run a program to its end, which it must reach; return its log."""
    environment = surroundings(home, openrouter, **more)
    done = subprocess.run(
        [sys.executable, "-c", CALLS + program], env=environment, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr.replace("Traceback (most recent call last):\n  File", "", 3)
    return done.stderr


@posix
def test_a_disk_that_is_full_and_has_room_again_costs_nothing(openrouter: Simulator, tmp_path: Path) -> None:
    program = """
import resource
call("before")
spancast.flush()
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (400, hard))
for number in range(10):
    call(f"full-{number}")
time.sleep(0.5)
assert spancast.flush(0.5) is False
resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
call("after")
assert spancast.flush(10.0)
"""
    log = run(program, tmp_path, openrouter, SPANCAST_CAPTURE_CONTENT="true")
    users = [user for user, _ in drained(tmp_path)]
    assert sorted(users) == sorted(["before", *(f"full-{number}" for number in range(10)), "after"])
    assert log.count("cannot be written; records wait in memory") == 1


@contextmanager
def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode:
        pytest.skip("Nothing can be mounted here.")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


@posix
@root
def test_a_tiny_disk_that_fills_up_is_outlived(openrouter: Simulator, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "size=1m") as disk:
        program = f"""
call("before")
fill = os.open({str(disk / "fill")!r}, os.O_WRONLY | os.O_CREAT)
try:
    while True: os.write(fill, b"x" * 512)
except OSError: pass
os.close(fill)
for number in range(10):
    call(f"full-{{number}}")
time.sleep(0.5)
os.unlink({str(disk / "fill")!r})
call("after")
spancast.flush(10.0)
"""
        run(program, disk / "home", openrouter)
        users = [user for user, _ in drained(disk / "home")]
        assert sorted(users) == sorted(["before", *(f"full-{number}" for number in range(10)), "after"])


def test_what_memory_cannot_hold_is_counted_with_its_dollars_where_the_doctor_sees_it(tmp_path: Path) -> None:
    script = """
import resource, sys
from decimal import Decimal
from pathlib import Path
from spancast.delivery.journal import memory
from spancast.delivery.journal.drainer import Drainer
from spancast.delivery.journal.journal import Journal
from spancast.delivery.outbox.outbox import Outbox
from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call
memory.MAX_RECORDS = 5
home = Path(sys.argv[1])
journal, book, outbox = Journal(home, "memory"), Book(home), Outbox(home)
for number in range(8):
    journal.append(call(cost=Decimal("0.25")))
Drainer(home, [book, outbox]).drain(5.0, journal)
book.close()
outbox.close()
"""
    output(script, tmp_path)
    with closing(Book(tmp_path)) as book:
        counts, cost = book.losses()
    assert (counts, str(cost)) == ({"memory full: calls": 3}, "0.75")
    assert len(drained(tmp_path)) == 5
    environment = {**os.environ, "SPANCAST_HOME": str(tmp_path)}
    told = subprocess.run(
        [sys.executable, "-m", "spancast", "doctor", "--json"], env=environment, capture_output=True, check=False
    )
    (ledger,) = [each for each in json.loads(told.stdout) if each["what"] == "ledger"]
    assert "3 records were lost (memory full: calls), $0.75" in ledger["seen"]


ONE_CALL = "call('u_1'); spancast.flush(5.0)"


def other_place(folder: Path) -> Path:
    return folder / f"spancast-{os.geteuid()}" if hasattr(os, "geteuid") else folder / "spancast"


def assert_kept_elsewhere(home: Path, openrouter: Simulator, temporary: Path, why: str) -> None:
    temporary.mkdir()
    log = run(ONE_CALL, home, openrouter, TMPDIR=str(temporary))
    assert log.count("instead") == 1
    assert why in log
    assert [user for user, _ in drained(other_place(temporary))] == ["u_1"]
    listed = subprocess.run(
        [sys.executable, "-m", "spancast", "calls", "--json"],
        env=surroundings(home, openrouter, TMPDIR=str(temporary)),
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(listed.stdout)["user"] == "u_1"


def test_a_home_that_is_missing_is_made_for_its_owner_alone(openrouter: Simulator, tmp_path: Path) -> None:
    run(ONE_CALL, tmp_path / "far" / "away", openrouter)
    assert [user for user, _ in drained(tmp_path / "far" / "away")] == ["u_1"]
    if sys.platform != "win32":
        assert {path.stat().st_mode & 0o077 for path in [tmp_path / "far", *(tmp_path / "far").rglob("*")]} == {0}


@pytest.mark.slow
def test_a_file_in_the_way_of_a_home_is_left_alone(openrouter: Simulator, tmp_path: Path) -> None:
    (tmp_path / "home").write_text("mine")
    assert_kept_elsewhere(tmp_path / "home", openrouter, tmp_path / "tmp", "is not a directory")
    assert (tmp_path / "home").read_text() == "mine"


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only there a folder that can be written takes none")
@pytest.mark.parametrize("place", ["/proc/nope", "/proc/nope/deeper", "/proc"])
def test_a_home_that_cannot_be_made_where_its_folder_can_be_written(place: str) -> None:
    assert "cannot be created in /proc (" in (homes.why_unusable(Path(place)) or "")


@root
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="only there a folder that can be written takes none")
def test_calls_of_a_home_that_cannot_be_made_are_kept_elsewhere(openrouter: Simulator, tmp_path: Path) -> None:
    assert_kept_elsewhere(Path("/proc/nope"), openrouter, tmp_path / "tmp", "cannot be created in /proc")


def test_a_look_at_a_home_that_is_missing_leaves_nothing(tmp_path: Path) -> None:
    assert homes.why_unusable(tmp_path / "far" / "away") is None
    assert list(tmp_path.iterdir()) == []


@posix
def test_a_symbolic_link_is_not_followed(openrouter: Simulator, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "home").symlink_to(tmp_path / "elsewhere")
    assert_kept_elsewhere(tmp_path / "home", openrouter, tmp_path / "tmp", "is a symbolic link")
    assert not list((tmp_path / "elsewhere").iterdir())


@posix
@root
def test_a_directory_of_another_user_is_left_alone(openrouter: Simulator, tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    os.chown(tmp_path / "home", 12345, 12345)
    assert_kept_elsewhere(tmp_path / "home", openrouter, tmp_path / "tmp", "belongs to another user (12345)")
    assert not list((tmp_path / "home").iterdir())


@posix
@root
def test_a_file_system_that_is_read_only_is_told_once(openrouter: Simulator, tmp_path: Path) -> None:
    with mounted(tmp_path / "disk", "ro") as disk:
        assert_kept_elsewhere(disk / "home", openrouter, tmp_path / "tmp", "cannot be written")


def test_a_directory_that_is_read_only_for_this_user_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, _mode: Path(path) != tmp_path)
    assert "cannot be written" in (homes.why_unusable(tmp_path / "home") or "")


@pytest.mark.skipif(not Path("/proc/self/mountinfo").exists(), reason="the system does not say what is mounted where")
def test_a_network_file_system_is_told_by_its_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = homes._file_system(tmp_path)
    assert kind is not None
    assert homes.why_unusable(tmp_path) is None
    monkeypatch.setattr(homes, "NETWORK_FILE_SYSTEMS", frozenset({kind}))
    assert homes.why_unusable(tmp_path) == f"lies on a network file system ({kind})"
    assert homes.choose(tmp_path / "home").instead_of == f"{tmp_path / 'home'} lies on a network file system ({kind})"


@posix
def test_a_file_system_without_locks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def flock(_fd: int, _operation: int) -> None:
        raise OSError(homes.errno.ENOLCK, "No locks available")

    monkeypatch.setattr(homes.fcntl, "flock", flock)
    assert homes.why_unusable(tmp_path) == "lies on a file system without locks (flock)"


def test_where_nothing_can_be_written_calls_lie_in_memory_and_are_counted(
    openrouter: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    program = """
from pathlib import Path
from spancast import api
from spancast.settings.resolve import resolve
from spancast.base import homes
assert resolve({}).durability == "memory"
for number in range(5): call(f"u_{number}")
assert spancast.flush(0.5) is False
"""
    deny = "import spancast.base.homes as homes; homes._fallbacks = lambda: iter(())\n"
    environment = surroundings(tmp_path / "file" / "home", openrouter)
    done = subprocess.run(
        [sys.executable, "-c", deny + CALLS + program], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "Records stay in memory instead" in done.stderr


@posix
def test_a_home_that_is_deleted_under_a_program_is_made_again(openrouter: Simulator, tmp_path: Path) -> None:
    program = f"""
import shutil
call("before")
spancast.flush()
shutil.rmtree({str(tmp_path / "home")!r})
time.sleep(0.1)
call("lost with the directory, or not")
time.sleep(0.5)
call("after")
assert spancast.flush()
"""
    run(program, tmp_path / "home", openrouter)
    users = [user for user, _ in drained(tmp_path / "home")]
    assert users[-1] == "after"
    assert "before" not in users


@posix
def test_a_program_that_closes_every_file_it_did_not_open_writes_into_none_of_its_own(
    openrouter: Simulator, tmp_path: Path
) -> None:
    program = f"""
from spancast.delivery.journal.journal import Journal
from tests.bookkeeping.records import call as record
from pathlib import Path
journal = Journal(Path({str(tmp_path / "other")!r}))
journal.append(record(user="before"))
os.close(journal.segments.fd)
own = os.open({str(tmp_path / "own")!r}, os.O_RDWR | os.O_CREAT)
assert own == journal.segments.fd
journal.catch_up()
journal.append(record(user="after"))
os._exit(0)
"""
    run(program, tmp_path / "home", openrouter, PYTHONPATH=str(Path(__file__).parents[2]))
    assert (tmp_path / "own").read_bytes() == b""
    assert [user for user, _ in drained(tmp_path / "other")] == ["before", "after"]
