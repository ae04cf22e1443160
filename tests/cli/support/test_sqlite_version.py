"""Which versions of SQLite are without the WAL-reset bug: sqlite.org/wal.html#walresetbug."""

import pytest

from spancast.cli.support import sqlite_version


@pytest.mark.parametrize("version", [(3, 51, 3), (3, 53, 1), (3, 50, 7), (3, 44, 6), (4, 0, 0)])
def test_these_are_without_it(version):
    assert sqlite_version.is_fixed(version)
    assert sqlite_version.describe(version) == ".".join(map(str, version))


@pytest.mark.parametrize("version", [(3, 7, 0), (3, 40, 1), (3, 44, 5), (3, 45, 0), (3, 50, 6), (3, 51, 2)])
def test_these_have_it_and_are_told_what_keeps_it_away(version):
    assert not sqlite_version.is_fixed(version)
    assert "avoided by a lock" in sqlite_version.describe(version)
