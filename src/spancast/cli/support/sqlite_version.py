"""The version of SQLite that this Python uses, and whether it has the WAL-reset bug."""

import sqlite3

_FIXED = (3, 51, 3)
_FIXED_BRANCHES = ((3, 50, 7), (3, 44, 6))


def is_fixed(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Return whether a version is without the WAL-reset bug (sqlite.org/wal.html#walresetbug)."""
    return version >= _FIXED or any(version[:2] == fixed[:2] and version >= fixed for fixed in _FIXED_BRANCHES)


def describe(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return the version, and how the bug is avoided if the version has it."""
    number = ".".join(map(str, version))
    if is_fixed(version):
        return number
    return f"{number}; its WAL-reset bug is avoided by a lock around commits and checkpoints"
