"""Explains why a ledger cannot be used, and what to do."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spancast.base import files, store
from spancast.errors import SpancastError

_MAGIC = b"SQLite format 3\0"
"""The first bytes of every database (sqlite.org/fileformat.html, section 1.3)."""
_NO_ROOM = "The disk is full. Free some space: nothing in the ledger is lost."
_NOT_WRITABLE = (
    "Even reading writes to the directory: a lock file and a log. "
    "Run this as the directory's owner, or on a copy of it."
)
_MOVE_AWAY = "Move it away, or name another directory with --home; the next program starts a new ledger."
_OF_SYSTEM = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _NO_ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_WRITABLE),
    **dict.fromkeys((errno.EISDIR, errno.ENOTDIR, errno.ENXIO), _MOVE_AWAY),
}
_HELD = "Wait until it is done, or end it, and try again."
_OF_SQLITE = {
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), f"Another process is using it. {_HELD}"),
    sqlite3.SQLITE_FULL: _NO_ROOM,
    sqlite3.SQLITE_IOERR: "The disk fails or is full: check it. What was committed is in the ledger.",
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN), _NOT_WRITABLE),
}
_WHICH = "`spancast doctor` shows which one, and what to do."
_OTHER = "Restore a copy, or move ledger.db away: the next program starts a new one."


@contextmanager
def ledger_errors(home: Path, *, also: str = "") -> Iterator[None]:
    """Turn errors from the ledger of a home directory into a `SpancastError` that explains them.

    `also` names another file in use there, since SQLite's errors do not name the file.
    """
    try:
        _check_is_database(home / "ledger.db")
        yield
    except BrokenPipeError:
        raise
    except (sqlite3.Error, OSError) as error:
        cure = _cure(error) or (_WHICH if also else _of_ledger(home, error))
        what = f"The ledger or {also}" if also else "The ledger"
        raise SpancastError(f"{what} in {home} cannot be used: {_sentence(error)} {cure}") from error


def _check_is_database(path: Path) -> None:
    """Raise where the file is not a database, before it is opened: SQLite would wait on a pipe for ever."""
    if not path.exists() or (path.is_file() and _is_database(path)):
        return
    head = files.read(path, len(_MAGIC))
    if head and head != _MAGIC:
        raise SpancastError(
            f"{path} is not a ledger: it begins with {head!r}, and a SQLite database never does. {_MOVE_AWAY}"
        )


def _is_database(path: Path) -> bool:
    """Return whether SQLite accepts the file as a database, whole or damaged.

    Only SQLite may open it: closing another descriptor of the file would drop the POSIX locks that this process's
    connections hold on it (sqlite.org/howtocorrupt.html, section 2.2), and another process could then checkpoint the
    log under them. A file that SQLite refuses cannot have such connections.
    """
    try:
        with (
            store.opening(),
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection,
        ):
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT
    return True


def _sentence(error: Exception) -> str:
    text = str(error)
    return text if text.endswith((".", "?")) else f"{text}."


def _cure(error: sqlite3.Error | OSError) -> str | None:
    """Return the cure where it is the same for every file, else `None`."""
    if isinstance(error, TimeoutError):
        return _HELD
    return _OF_SYSTEM.get(error.errno or 0) if isinstance(error, OSError) else _OF_SQLITE.get(_code(error))


def _of_ledger(home: Path, error: sqlite3.Error | OSError) -> str:
    if _code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _OTHER
    aside = set_aside(home)
    if (home / "ledger.db").exists() or not aside:
        return f"Its file is damaged. {_OTHER} `sqlite3 FILE .recover` may recover its content."
    return f"Its file was damaged and is kept as {aside[-1].name}; the next program starts a new one."


def _code(error: sqlite3.Error | OSError) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def set_aside(home: Path) -> list[Path]:
    """Return the damaged files that were set aside, oldest first."""
    return sorted(home.glob("ledger.db.damaged-*[0-9]"))
