"""Folders that only their owner may enter."""

import os
import stat
import sys
from pathlib import Path

import pytest

from spancast.base import folders


@pytest.mark.skipif(sys.platform == "win32", reason="modes are POSIX's")
@pytest.mark.parametrize("umask", [0, 0o022, 0o377, 0o777])
def test_its_owner_may_use_what_was_created_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        folders.private(tmp_path / "one" / "two")
    finally:
        os.umask(before)
    for each in (tmp_path / "one", tmp_path / "one" / "two"):
        assert stat.S_IMODE(each.stat().st_mode) == 0o700


def test_a_folder_that_exists_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir(mode=0o750)
    mode = (tmp_path / "one").stat().st_mode
    assert folders.private(tmp_path / "one").stat().st_mode == mode


def test_a_file_in_its_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "one").touch()
    with pytest.raises(OSError, match="Not a directory"):
        folders.private(tmp_path / "one" / "two")
    with pytest.raises(OSError, match="Not a directory"):
        folders.private(tmp_path / "one")
