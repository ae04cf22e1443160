"""What a ledger that cannot be used is called, and what to do: through the command, with real files and disks."""

import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from spancast.bookkeeping.book import Book
from tests.bookkeeping.records import call

DEEDS = ["check", "rebuild", "prune --older-than 1d --yes", "export --to calls.csv"]
every_deed = pytest.mark.parametrize("deed", DEEDS)


@pytest.fixture
def booked(home):
    with closing(Book(home)) as book:
        book.apply("writer-000001.seg", 1, [call(user="a", cost=Decimal("0.5"), duration=5) for _ in range(300)])
    return home


@every_deed
def test_what_is_no_database_is_left_as_it_is(deed, spancast, home):
    home.mkdir()
    (home / "ledger.db").write_bytes(b"dear diary, " * 500)
    status, printed, complaint = spancast("ledger", *deed.split())
    assert (status, printed) == (1, "")
    assert complaint.startswith(f"spancast: {home / 'ledger.db'} is not a ledger: it begins with b'dear diary, dear'")
    assert complaint.count("\n") == 1
    assert (home / "ledger.db").read_bytes() == b"dear diary, " * 500


def test_the_path_of_what_is_no_ledger_is_printed_all_the_same(spancast, home):
    home.mkdir()
    (home / "ledger.db").write_bytes(b"dear diary")
    assert spancast("ledger", "path") == (0, f"{home / 'ledger.db'}\n", "")


@every_deed
def test_somebody_elses_database_is_left_as_it_is(deed, spancast, home):
    home.mkdir()
    with closing(sqlite3.connect(home / "ledger.db")) as connection:
        connection.execute("CREATE TABLE recipes(name TEXT)")
    before = (home / "ledger.db").read_bytes()
    status, printed, complaint = spancast("ledger", *deed.split())
    assert (status, printed) == (1, "")
    assert "is a database of another program, and is left unchanged. Move it away" in complaint
    assert (home / "ledger.db").read_bytes() == before
    status, printed, _ = spancast("doctor")
    assert status == 1
    assert "WRONG  ledger" in printed
    assert "is a database of another program" in printed


@every_deed
def test_a_ledger_of_a_later_version_says_to_upgrade(deed, spancast, booked):
    with closing(sqlite3.connect(booked / "ledger.db")) as connection:
        connection.execute("PRAGMA user_version=1000")
    status, printed, complaint = spancast("ledger", *deed.split())
    assert (status, printed) == (1, "")
    assert "has version 1000" in complaint
    assert "Upgrade spancast" in complaint


@every_deed
def test_a_folder_in_its_place_is_told(deed, spancast, home):
    (home / "ledger.db").mkdir(parents=True)
    status, printed, complaint = spancast("ledger", *deed.split())
    assert (status, printed) == (1, "")
    assert f"The ledger in {home} cannot be used" in complaint


def test_a_file_that_was_damaged_is_an_exit_status_and_is_kept(spancast, booked):
    whole = (booked / "ledger.db").read_bytes()
    for name in ("ledger.db-wal", "ledger.db-shm"):
        (booked / name).unlink(missing_ok=True)
    (booked / "ledger.db").write_bytes(whole[:5000] + os.urandom(len(whole) - 10_000) + whole[-5000:])
    status, printed, complaint = spancast("ledger", "check")
    assert status == 1
    assert ("SQLite reports" in printed and "cure" in printed) or "damaged" in complaint
    kept = [booked / "ledger.db", *booked.glob("ledger.db.damaged-*")]
    assert any(path.exists() and path.stat().st_size == len(whole) for path in kept)


def test_the_header_of_a_database_and_nothing_behind_it_is_damage(spancast, home):
    home.mkdir()
    (home / "ledger.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    status, _, complaint = spancast("ledger", "check")
    assert status == 1
    assert "damaged and is kept as ledger.db.damaged-" in complaint
    (kept,) = home.glob("ledger.db.damaged-*[0-9]")
    assert kept.stat().st_size == 5016


NO_OVERRIDE = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")
"""Without it the superuser may write where nobody may."""


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are POSIX's")
@every_deed
def test_a_directory_that_cannot_be_written_is_told_with_the_cure(deed, booked, tmp_path):
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("The superuser may write everywhere, and setpriv is not here to take that away.")
    for path in booked.iterdir():
        path.chmod(0o400)
    booked.chmod(0o500)
    prefix = NO_OVERRIDE if os.geteuid() == 0 else ()
    try:
        done = run(tmp_path, *prefix, sys.executable, "-m", "spancast", "ledger", *deed.split(), "--home", str(booked))
    finally:
        booked.chmod(0o700)
    assert (done.returncode, done.stdout) == (1, "")
    assert "cannot be used" in done.stderr
    assert "Permission denied" in done.stderr
    assert "Run this as the directory's owner, or on a copy of it." in done.stderr
    assert done.stderr.count("\n") == 1


FULL = """
import resource, sys
from spancast.cli import main
_, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), hard))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="limits are POSIX's")
@pytest.mark.parametrize("deed", ["rebuild", "prune --older-than 1d --yes"])
def test_where_there_is_no_room_nothing_is_lost(deed, booked, tmp_path):
    done = run(tmp_path, sys.executable, "-c", FULL, "4096", "ledger", *deed.split(), "--home", str(booked))
    assert done.returncode == 1
    assert "cannot be used" in done.stderr
    assert "room" in done.stderr
    assert "Traceback" not in done.stderr
    checked = run(tmp_path, sys.executable, "-m", "spancast", "ledger", "check", "--home", str(booked))
    assert checked.returncode == 0, checked.stdout
    assert "calls     300" in checked.stdout


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
