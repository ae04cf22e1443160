"""The SQLite that this Python has, and what is known against it."""

import sqlite3

_FIXED = (3, 51, 3)
_FIXED_BRANCHES = ((3, 50, 7), (3, 44, 6))


def is_fixed(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> bool:
    """Return whether a version is without the WAL-reset bug (sqlite.org/wal.html#walresetbug)."""
    return version >= _FIXED or any(version[:2] == fixed[:2] and version >= fixed for fixed in _FIXED_BRANCHES)


def standing(version: tuple[int, ...] = sqlite3.sqlite_version_info) -> str:
    """Return the version, and what becomes of the bug where it has it."""
    number = ".".join(map(str, version))
    if is_fixed(version):
        return number
    return f"{number}; its WAL-reset bug is kept away by a lock around commits and checkpoints"
