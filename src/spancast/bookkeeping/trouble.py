"""What keeps a ledger from being used, and the cure, in words."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from spancast.base import files, store
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
    **dict.fromkeys((errno.EISDIR, errno.ENOTDIR, errno.ENXIO), _MOVE_AWAY),
}
_HELD = "Let it go on, or end it, and try again."
_OF_SQLITE = {
    **dict.fromkeys((sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED), f"Another process has it. {_HELD}"),
    sqlite3.SQLITE_FULL: _NO_ROOM,
    sqlite3.SQLITE_IOERR: "The disk fails, or has no room: see to it. What was committed is in the ledger.",
    **dict.fromkeys((sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN), _NOT_WRITABLE),
}
_WHICH = "`spancast doctor` says which it is, and what to do."
_OTHER = "Put back a copy, or move ledger.db away: the next program starts a new one."


@contextmanager
def told(home: Path, *, also: str = "") -> Iterator[None]:
    """Say what is wrong with the ledger of a home directory where something is: `SpancastError`.

    `also` is what else is in use there: SQLite does not say which of its files it means.
    """
    try:
        _look(home / "ledger.db")
        yield
    except BrokenPipeError:
        raise
    except (sqlite3.Error, OSError) as error:
        cure = _cure(error) or (_WHICH if also else _of_ledger(home, error))
        what = f"The ledger or {also}" if also else "The ledger"
        raise SpancastError(f"{what} in {home} cannot be used: {_sentence(error)} {cure}") from error


def _look(path: Path) -> None:
    """Raise for what is no database, before anything is made of it; SQLite would wait for a pipe for ever."""
    if not path.exists() or (path.is_file() and _is_database(path)):
        return
    head = files.read(path, len(_MAGIC))
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
        with (
            store.opening(),
            closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as connection,
        ):
            connection.execute("PRAGMA schema_version")
    except sqlite3.Error as error:
        return error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_CORRUPT
    return True


def _sentence(error: Exception) -> str:
    said = str(error)
    return said if said.endswith((".", "?")) else f"{said}."


def _cure(error: sqlite3.Error | OSError) -> str | None:
    """Return the cure where it is the same for every file."""
    if isinstance(error, TimeoutError):
        return _HELD
    return _OF_SYSTEM.get(error.errno or 0) if isinstance(error, OSError) else _OF_SQLITE.get(_code(error))


def _of_ledger(home: Path, error: sqlite3.Error | OSError) -> str:
    if _code(error) not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
        return _OTHER
    aside = set_aside(home)
    if (home / "ledger.db").exists() or not aside:
        return f"Its file is damaged. {_OTHER} `sqlite3 FILE .recover` may save what is in it."
    return f"Its file was damaged and is kept as {aside[-1].name}; the next program starts a new one."


def _code(error: sqlite3.Error | OSError) -> int:
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


def set_aside(home: Path) -> list[Path]:
    """Return the files that were found damaged and are kept, oldest first."""
    return sorted(home.glob("ledger.db.damaged-*[0-9]"))
