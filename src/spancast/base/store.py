"""One SQLite file, as both the ledger and the outbox keep theirs.

Constraints: any number of processes and threads write; a death at any instant leaves a whole file; what a transaction
committed survives a loss of power, since the journal's segments are unlinked on the strength of it. Format: WAL, one
`user_version` a migration. Recovery: SQLite's own, when the file is next opened; a file that is damaged beyond it is
set aside, and a new one begun.

Every commit and every checkpoint runs under one file lock: that is fair between processes, and it keeps SQLite's
WAL-reset bug (sqlite.org/wal.html#walresetbug, all versions before 3.51.3) out of reach, which needs a commit to run
during a checkpoint.

A forked child closes what it inherits before it opens anything: SQLite counts the locks of a file by process, and would
take the parent's for its own, so that the file could be reset under the child's hands. It may close them because no
fork falls into their use. Where one did, of which Python was not told, the child leaves the file to others.

So does a process whose application has closed SQLite's descriptors, and may have their numbers for files of its own:
SQLite would write its pages there, and shares what it holds of a file with every other connection of the process.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from spancast.base import descriptors, files, forks, guard, locks
from spancast.base.folders import private
from spancast.base.locks import FileLock
from spancast.errors import SpancastError

CHECKPOINT_AT = 4 * 1024 * 1024
"""Bytes of write-ahead log after which it is folded into the database."""

_BUSY = "PRAGMA busy_timeout=30000"
_PRAGMAS = (
    _BUSY,
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA foreign_keys=ON",
)

_ENDS = ("", "-wal", "-shm")
"""How the names of the files of a database end."""
_not_ours: set[tuple[int, int]] = set()
"""Files that this process leaves to others: it has inherited a connection in the middle of something, or lost one."""


_opening = threading.RLock()


@contextmanager
def opening() -> Iterator[None]:
    """Open and close a database without a `Store`, while none takes the descriptors for its own."""
    with _opening:
        yield


def _open_anew() -> None:
    global _opening  # noqa: PLW0603 - a thread of the parent may have been opening one
    _opening = threading.RLock()


forks.in_child(_open_anew)


class SetAsideError(sqlite3.DatabaseError):
    """A file was damaged and is set aside, which the log says; what was done has failed, and can be done again."""

    is_told = True


class Store:
    """A database file that several processes and threads use. `migrations[n]` brings it from version n to n + 1.

    Transactions do not nest, neither in each other nor in a read. A file of a later version raises `SpancastError`.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self._path = path
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._descriptors: frozenset[descriptors.Held] = frozenset()
        """Those of the connection itself, and not of others that this process has to the same file."""
        self._turn, self._mutex = threading.RLock(), threading.RLock()
        self._in_use = False
        forks.in_child(self._begin_anew)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for one write transaction: committed at the end, rolled back on an exception."""
        with self._alone(), self._mine(), self._using(), self._whole():
            connection = self._open()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            self._checkpoint(connection)

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for one short read, of one moment's state."""
        for is_last in (False, False, True):  # there are file systems on which a file seems another at each look
            with self._mine():
                connection = self._connection if is_last or not self._is_replaced() else None
                if connection is not None:
                    with self._using():
                        connection.execute("BEGIN")
                        try:
                            yield connection
                        finally:
                            connection.execute("ROLLBACK")
                    return
            with self._alone(), self._mine(), self._using(), self._whole():
                self._open()
        raise sqlite3.OperationalError(f"{self._path} is taken away again and again")

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with (
            suppress(sqlite3.OperationalError),
            self._mine(),
            self._using(),
        ):  # one that is left to others is not closed
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _begin_anew(self) -> None:
        """Begin anew, without the connection of the parent."""
        inherited, in_use = self._connection, self._in_use
        self._turn, self._mutex = threading.RLock(), threading.RLock()
        self._connection, self._in_use = None, False
        if inherited is None:
            return
        if in_use or inherited.in_transaction or not self._are_ours():
            self._lose(inherited)
        else:
            inherited.close()

    def _be_ours(self) -> None:
        """Raise where another process has to write the file."""
        forks.notice()
        if self._file in _not_ours:
            raise self._left_to_others()

    @contextmanager
    def _mine(self) -> Iterator[None]:
        """Hold the connection. Who has it waits for no other process, so that a read waits for none either."""
        self._be_ours()
        with self._held(self._mutex):
            if self._connection is not None and not self._are_ours():
                self._lose(self._connection)
                raise self._left_to_others()
            yield

    def _are_ours(self) -> bool:
        return all(each.is_ours() for each in self._descriptors)

    def _lose(self, connection: sqlite3.Connection) -> None:
        """Never touch a connection again, not even to close it, nor another of this process's to the same file."""
        if self._file is not None:
            _not_ours.add(self._file)
        self._connection = None
        _keep_for_ever(connection)

    @contextmanager
    def _using(self) -> Iterator[None]:
        """Use SQLite, with no fork falling into it."""
        with forks.Unforked():
            before, self._in_use = self._in_use, True
            try:
                yield
            finally:
                self._in_use = before

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the file lock, in a folder that exists; this process's threads wait for it in turn."""
        self._be_ours()
        private(self._path.parent)
        with self._held(self._turn), FileLock(self._path.with_suffix(".lock")):
            yield

    @contextmanager
    def _held(self, lock: "threading.RLock") -> Iterator[None]:
        if not lock.acquire(timeout=locks.patience(threading.TIMEOUT_MAX)):
            raise TimeoutError(f"{self._path} is in use by another thread.")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """Set the file aside when SQLite says that it is damaged: what is done fails, and the next begins anew."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB):
                raise self._set_aside(error) from error
            raise

    def _set_aside(self, error: sqlite3.DatabaseError) -> SetAsideError:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        aside = f"{self._path.name}.damaged-{time.time_ns()}"
        for end in _ENDS:
            with suppress(FileNotFoundError):
                self._beside(end).rename(self._path.with_name(aside + end))
        guard.once_a_minute("damaged", "%s is damaged. It is kept as %s, and a new one is begun.", self._path, aside)
        told = SetAsideError(*error.args)
        told.sqlite_errorcode = error.sqlite_errorcode
        return told

    def _beside(self, end: str) -> Path:
        return self._path.with_name(self._path.name + end)

    def _is_replaced(self) -> bool:
        """Whether another file lies under the name by now, or none: it was set aside, moved or deleted."""
        return self._file != _identity(self._path)

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._is_replaced():
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._create()
            if _identity(self._path) in _not_ours:
                raise self._left_to_others()
            with self._held(_opening):
                before = self._open_now()
                self._connection = self._connect()
                self._descriptors = self._open_now() - before
            self._file = _identity(self._path)
        return self._connection

    def _open_now(self) -> frozenset[descriptors.Held]:
        return descriptors.open_now(map(self._beside, _ENDS))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            self._recognise(connection)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            self._migrate(connection)
        except UnicodeDecodeError as error:  # by us, or where `sqlite3` would say which definition is damaged
            connection.close()
            raise _damage(f"{self._path} has a definition of a table that is no text") from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _left_to_others(self) -> sqlite3.OperationalError:
        return sqlite3.OperationalError(
            f"{self._path} was in use when this process was forked, or this process has closed what was open of it; "
            "others have to write it"
        )

    def _create(self) -> None:
        """Make the file, where there is none; raise `SpancastError` where it, or its log, is not ours to use.

        SQLite writes a log that it finds, whoever has made it; it lies beside the file that a symbolic link leads to.
        """
        files.claim(self._path)
        real = os.path.realpath(self._path)
        for each in (Path(real + end) for end in _ENDS):
            files.be_ours(each)
            files.narrow(each)

    def _recognise(self, connection: sqlite3.Connection) -> None:
        """Raise `SpancastError` for a database that is not ours, and an error of SQLite's for one without its tables.

        One of version 0 has no tables yet; any other has.
        """
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version == 0 and connection.execute("SELECT 1 FROM sqlite_master LIMIT 1").fetchone():
            raise SpancastError(
                f"{self._path} is a database of something else, and is left as it is. Move it away, or point "
                "SPANCAST_HOME at another directory."
            )
        if version < 0:
            raise _damage(f"{self._path} is of version {version}, which there is none of")
        definitions = connection.execute(_DEFINITIONS).fetchall()
        if version > 0 and not definitions:
            raise _damage(f"{self._path} has lost its tables")  # where these are listed is damaged
        for (definition,) in definitions:
            definition.decode()

    def _migrate(self, connection: sqlite3.Connection) -> None:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        if version > len(self._migrations):
            raise SpancastError(
                f"{self._path} is of version {version}, and this Spancast knows versions up to "
                f"{len(self._migrations)}. Upgrade spancast, or point SPANCAST_HOME at another directory."
            )
        for number in range(version, len(self._migrations)):
            connection.executescript(f"BEGIN; {self._migrations[number]}; PRAGMA user_version={number + 1}; COMMIT")

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Fold the log into the database, unless a reader is in the way: then a later transaction will."""
        log = self._beside("-wal")
        if log.exists() and log.stat().st_size > CHECKPOINT_AT:
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute(_BUSY)


_DEFINITIONS = "SELECT CAST(name || coalesce(sql, '') AS BLOB) FROM sqlite_master"


def _damage(what: str) -> sqlite3.DatabaseError:
    """Return the error of SQLite's for a damaged file."""
    error = sqlite3.DatabaseError(what)
    error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
    return error


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _keep_for_ever(connection: sqlite3.Connection) -> None:
    """Let nothing close a connection, not even the end of the interpreter."""
    import ctypes  # noqa: PLC0415 - hardly any process ever needs it

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
