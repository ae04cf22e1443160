"""What others may have put under our names."""

import os
import stat
import sys
from pathlib import Path

import pytest

from spancast.base import files, homes
from spancast.errors import SpancastError

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="owners, modes and pipes are POSIX's")
root = pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root may do this")

STRANGER = 12345


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a home that anybody can write to."""
    (tmp_path / "home").mkdir()
    (tmp_path / "home").chmod(0o777)
    return tmp_path / "home"


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_file_is_read_whole_or_its_beginning(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"whole" * 10_000)
    assert files.read(tmp_path / "file") == b"whole" * 10_000
    assert files.read(tmp_path / "file", 3) == b"who"


def test_what_is_no_file_keeps_nobody_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", Path("/dev/zero")):
        with pytest.raises(OSError, match="It is not a regular file"):
            files.read(path)
    with pytest.raises(IsADirectoryError):
        files.read(tmp_path)


def test_a_file_is_made_for_its_owner_alone_whatever_the_umask(home: Path) -> None:
    before = os.umask(0)
    try:
        files.claim(home / "some.db")
    finally:
        os.umask(before)
    assert mode(home / "some.db") == 0o600


def test_a_file_of_ours_is_closed_to_others_and_kept(home: Path) -> None:
    (home / "some.db").write_bytes(b"kept")
    (home / "some.db").chmod(0o664)
    files.claim(home / "some.db")
    assert (home / "some.db").read_bytes() == b"kept"
    assert mode(home / "some.db") == 0o600


def test_a_symbolic_link_of_ours_is_followed_to_a_file_for_our_eyes_only(home: Path, tmp_path: Path) -> None:
    (home / "some.db").symlink_to(tmp_path / "elsewhere")
    files.claim(home / "some.db")
    assert mode(tmp_path / "elsewhere") == 0o600


@root
@pytest.mark.parametrize("whose", ["file", "link", "target"])
def test_what_another_user_has_put_there_is_refused(home: Path, tmp_path: Path, whose: str) -> None:
    path = home / "some.db"
    if whose == "file":
        path.touch()
    else:
        (tmp_path / "elsewhere").touch()
        path.symlink_to(tmp_path / "elsewhere")
    os.chown(path, STRANGER, STRANGER, follow_symlinks=whose != "link")
    with pytest.raises(SpancastError, match=rf"some.db belongs to another user \({STRANGER}\).* Remove it, or point"):
        files.claim(path)
    assert homes.why_unusable(home) == (
        f"has a some.db of another user ({STRANGER}), who could read what is written to it; remove it"
    )


@root
def test_a_file_of_whoever_the_home_belongs_to_is_ours_to_use(home: Path) -> None:
    (home / "some.db").touch()
    for path in (home, home / "some.db"):
        os.chown(path, STRANGER, STRANGER)
    files.claim(home / "some.db")
