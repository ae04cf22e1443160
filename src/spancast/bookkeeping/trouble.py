"""What keeps a ledger from being used, and the cure, in words."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spancast.errors import SpancastError

_MAGIC = b"SQLite format 3\0"
"""What every database begins with (sqlite.org/fileformat.html, section 1.3)."""
_NO_ROOM = "There is no room left on the disk. Make some: nothing of the ledger is lost."
_NOT_WRITABLE = (
    "It is written to even where it is only read: a lock and a log lie beside it. "
    "Do this as its owner, or with a copy of the directory."
)
_MOVE_AWAY = "Move it away, or name another directory with --home; the next program starts a new ledger."
_OF_SYSTEM = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT, errno.EFBIG), _NO_ROOM),
    **dict.fromkeys((errno.EACCES, errno.EPERM, errno.EROFS), _NOT_WRITABLE),
    **dict.fromkeys((errno.EISDIR, errno.ENOTDIR), _MOVE_AWAY),
}
_OF_SQLITE = {
    sqlite3.SQLITE_FULL: _NO_ROOM,
    sqlite3.SQLITE_IOERR: "The disk fails, or has no room: see to it. What was committed is in the ledger.",
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN), _NOT_WRITABLE),
}
_OTHER = "Put back a copy, or move ledger.db away: the next program starts a new one."


@contextmanager
def told(home: Path) -> Iterator[None]:
    """Say what is wrong with the ledger of a home directory where something is: `SpancastError`."""
    try:
        _look(home / "ledger.db")
        yield
    except BrokenPipeError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise SpancastError(f"The ledger in {home} cannot be used: {error}. {_cure(home, error)}") from error


def _look(path: Path) -> None:
    """Raise `SpancastError` for a file that is no database, before anything is made of it."""
    if not path.exists() or _is_database(path):
        return
    with path.open("rb") as file:
        head = file.read(len(_MAGIC))
    if head and head != _MAGIC:
        raise SpancastError(
            f"{path} is no ledger: it begins with {head!r}, which no SQLite database does. {_MOVE_AWAY}"
        )


def _is_database(path: Path) -> bool:
    """Return whether SQLite takes the file for a database, whole or damaged.

    It is SQLite that opens it: were it opened and closed beside SQLite, the POSIX locks that this process's connections
    hold on it would be dropped (sqlite.org/howtocorrupt.html, section 2.2), and another process could fold the log away
    under their hands. Nobody can have what SQLite refuses open.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection:
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT
    return True


def _cure(home: Path, error: sqlite3.Error | OSError) -> str:
    if isinstance(error, OSError):
        return _OF_SYSTEM.get(error.errno or 0, _OTHER)
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    if code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _of_damage(home)
    return _OF_SQLITE.get(code, _OTHER)


def _of_damage(home: Path) -> str:
    aside = set_aside(home)
    if (home / "ledger.db").exists() or not aside:
        return f"Its file is damaged. {_OTHER} `sqlite3 FILE .recover` may save what is in it."
    return f"Its file was damaged and is kept as {aside[-1].name}; the next program starts a new one."


def set_aside(home: Path) -> list[Path]:
    """Return the files that were found damaged and are kept, oldest first."""
    return sorted(home.glob("ledger.db.damaged-*[0-9]"))
