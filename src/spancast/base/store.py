"""An SQLite file that many processes and threads write: the ledger and the outbox are one each.

Constraints: any number of processes and threads write; a process that dies at any point leaves a consistent file; a
committed transaction survives a loss of power, since the journal's segments are deleted because of it. Format: WAL, one
`user_version` per migration. Recovery: SQLite's own, when the file is next opened; a file that SQLite finds damaged is
set aside, and a new one is created.

Every commit and every checkpoint runs under one file lock. The lock is fair between processes, and it avoids SQLite's
WAL-reset bug (sqlite.org/wal.html#walresetbug, all versions before 3.51.3), which needs a commit during a checkpoint.

A forked child closes the connections that it inherits before it opens any: SQLite counts file locks per process, and
would take the parent's locks for the child's own, so that the WAL could be reset while the child reads it. Closing them
is safe, because no fork happens while SQLite is in use. If one did, made behind Python's back, the child does not touch
the file any more, and other processes write it.

The same holds for a process whose application closed SQLite's descriptors and may have reused their numbers: SQLite
would write database pages into the application's files, and all connections of a process share its open files.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from spancast.base import descriptors, files, forks, guard, locks, migrations
from spancast.base.folders import private
from spancast.base.locks import FileLock

CHECKPOINT_BYTES = 4 * 1024 * 1024
"""Size of the write-ahead log from which a transaction copies it into the database."""

_BUSY = "PRAGMA busy_timeout=30000"
_PRAGMAS = (
    _BUSY,
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA wal_autocheckpoint=0",
    "PRAGMA foreign_keys=ON",
)

_SUFFIXES = ("", "-wal", "-shm")
"""Of the names of a database's files."""
_abandoned: set[tuple[int, int]] = set()
"""Files, by device and inode, that this process must not use: it inherited a connection in use, or lost one."""


_opening = threading.RLock()


@contextmanager
def opening() -> Iterator[None]:
    """Open or close a database without a `Store`, while no `Store` mistakes the descriptors for its own."""
    with _opening:
        yield


def _reset_opening() -> None:
    global _opening  # noqa: PLW0603 - a thread of the parent may have held it
    _opening = threading.RLock()


forks.in_child(_reset_opening)


class SetAsideError(sqlite3.DatabaseError):
    """The file was damaged and is set aside, which is logged; the operation failed and can be repeated."""

    is_logged = True


class Store:
    """A database file that several processes and threads use. `steps[n]` migrates it from version n to n + 1.

    Transactions do not nest, neither in each other nor in a read. A file of a later version raises `SpancastError`.
    """

    def __init__(self, path: Path, steps: Sequence[str]) -> None:
        self._path = path
        self._steps = steps
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        """Device and inode of the file that the connection uses."""
        self._descriptors: frozenset[descriptors.OpenFile] = frozenset()
        """Those of the connection, without those of this process's other connections to the same file."""
        self._write_lock, self._connection_lock = threading.RLock(), threading.RLock()
        self._in_use = False
        forks.in_child(self._reset)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection for one write transaction: committed at the end, rolled back on an exception."""
        with self._writing(), self._locked(), self._unforked(), self._setting_damage_aside():
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
        """Yield the connection for one short read of a consistent snapshot."""
        for is_last in (False, False, True):  # on some file systems a file's inode changes with each `stat`
            with self._locked():
                connection = self._connection if is_last or not self._is_replaced() else None
                if connection is not None:
                    with self._unforked():
                        connection.execute("BEGIN")
                        try:
                            yield connection
                        finally:
                            connection.execute("ROLLBACK")
                    return
            with self._writing(), self._locked(), self._unforked(), self._setting_damage_aside():
                self._open()
        raise sqlite3.OperationalError(f"{self._path} keeps being replaced by another file")

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with (
            suppress(sqlite3.OperationalError),  # an abandoned file's connection is not closed
            self._locked(),
            self._unforked(),
        ):
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    def _reset(self) -> None:
        """Give up the connection that a forked child inherits."""
        inherited, in_use = self._connection, self._in_use
        self._write_lock, self._connection_lock = threading.RLock(), threading.RLock()
        self._connection, self._in_use = None, False
        if inherited is None:
            return
        if in_use or inherited.in_transaction or not self._descriptors_are_ours():
            self._abandon(inherited)
        else:
            inherited.close()

    def _require_usable(self) -> None:
        """Raise if this process must not use the file."""
        forks.detect()
        if self._file in _abandoned:
            raise self._abandoned_error()

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the connection's lock. Its holder never waits for another process, so reads do not either."""
        self._require_usable()
        with self._acquired(self._connection_lock):
            if self._connection is not None and not self._descriptors_are_ours():
                self._abandon(self._connection)
                raise self._abandoned_error()
            yield

    def _descriptors_are_ours(self) -> bool:
        return all(each.is_ours() for each in self._descriptors)

    def _abandon(self, connection: sqlite3.Connection) -> None:
        """Never use a connection again, not even to close it, nor any other of this process to the same file."""
        if self._file is not None:
            _abandoned.add(self._file)
        self._connection = None
        _never_close(connection)

    @contextmanager
    def _unforked(self) -> Iterator[None]:
        """Use SQLite while no other thread forks."""
        with forks.NoFork():
            before, self._in_use = self._in_use, True
            try:
                yield
            finally:
                self._in_use = before

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the file lock, and before it the lock that this process's threads share; create the folder."""
        self._require_usable()
        private(self._path.parent)
        with self._acquired(self._write_lock), FileLock(self._path.with_suffix(".lock")):
            yield

    @contextmanager
    def _acquired(self, lock: "threading.RLock") -> Iterator[None]:
        if not lock.acquire(timeout=locks.max_wait(threading.TIMEOUT_MAX)):
            raise TimeoutError(f"{self._path} is in use by another thread.")
        try:
            yield
        finally:
            lock.release()

    @contextmanager
    def _setting_damage_aside(self) -> Iterator[None]:
        """Set the file aside if SQLite reports damage: the operation fails, and the next one creates a new file."""
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
        for suffix in _SUFFIXES:
            with suppress(FileNotFoundError):
                self._beside(suffix).rename(self._path.with_name(aside + suffix))
        guard.warn("damaged", "%s is damaged. It is kept as %s, and a new file is created.", self._path, aside)
        logged = SetAsideError(*error.args)
        logged.sqlite_errorcode = error.sqlite_errorcode
        return logged

    def _beside(self, suffix: str) -> Path:
        return self._path.with_name(self._path.name + suffix)

    def _is_replaced(self) -> bool:
        """Whether the path leads to another file by now, or to none: it was set aside, moved or deleted."""
        return self._file != _identity(self._path)

    def _open(self) -> sqlite3.Connection:
        if self._connection is not None and self._is_replaced():
            self._connection.close()
            self._connection = None
        if self._connection is None:
            self._claim_files()
            if _identity(self._path) in _abandoned:
                raise self._abandoned_error()
            with self._acquired(_opening):
                before = self._all_descriptors()
                self._connection = self._connect()
                self._descriptors = self._all_descriptors() - before
            self._file = _identity(self._path)
        return self._connection

    def _all_descriptors(self) -> frozenset[descriptors.OpenFile]:
        """Return the descriptors that all connections of this process have to the file and its logs."""
        return descriptors.descriptors_of(map(self._beside, _SUFFIXES))

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        try:
            connection.row_factory = sqlite3.Row
            migrations.check(connection, self._path)
            for pragma in _PRAGMAS:
                connection.execute(pragma)
            migrations.migrate(connection, self._path, self._steps)
        except UnicodeDecodeError as error:  # ours, or of `sqlite3` when it names the damaged definition
            connection.close()
            raise migrations.damage(f"{self._path} has a table definition that is not text") from error
        except BaseException:
            connection.close()
            raise
        return connection

    def _abandoned_error(self) -> sqlite3.OperationalError:
        return sqlite3.OperationalError(
            f"{self._path} was in use when this process was forked, or the program has closed its descriptors; this "
            "process cannot use it any more, and other processes write it"
        )

    def _claim_files(self) -> None:
        """Create the file if there is none; raise `SpancastError` if it, or its log, is not ours.

        SQLite writes to a log that it finds, whoever created it, next to the file that a symbolic link leads to.
        """
        files.claim(self._path)
        real = os.path.realpath(self._path)
        for each in (Path(real + suffix) for suffix in _SUFFIXES):
            files.require_ours(each)
            files.restrict(each)

    def _checkpoint(self, connection: sqlite3.Connection) -> None:
        """Copy the log into the database; if a reader is in the way, a later transaction does it."""
        log = self._beside("-wal")
        if log.exists() and log.stat().st_size > CHECKPOINT_BYTES:
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute(_BUSY)


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _never_close(connection: sqlite3.Connection) -> None:
    """Keep a connection open for ever: not even the end of the interpreter closes it."""
    import ctypes  # noqa: PLC0415 - hardly any process needs it

    ctypes.pythonapi.Py_IncRef(ctypes.py_object(connection))
