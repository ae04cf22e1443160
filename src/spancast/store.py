"""One SQLite file, as both the ledger and the outbox keep theirs.

Constraints: any number of processes and threads write; a death at any instant leaves a whole file; what a transaction
committed survives a loss of power, since the journal's segments are unlinked on the strength of it. Format: WAL, one
`user_version` a migration. Recovery: SQLite's own, when the file is next opened.

Every commit and every checkpoint runs under one file lock: that is fair between processes, and it keeps SQLite's
WAL-reset bug (sqlite.org/wal.html#walresetbug, all versions before 3.51.3) out of reach, which needs a commit to run
during a checkpoint.
"""

import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from spancast.errors import SpancastError
from spancast.folders import private
from spancast.locks import FileLock

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

_left_to_parents: list[sqlite3.Connection] = []
"""Connections inherited by a fork: SQLite forbids their use in the child, which closing would be."""


class Store:
    """A database file that several processes and threads use. `migrations[n]` brings it from version n to n + 1.

    Transactions do not nest, neither in each other nor in a read. A file of a later version raises `SpancastError`.
    """

    def __init__(self, path: Path, migrations: Sequence[str]) -> None:
        self._path = path
        self._migrations = migrations
        self._connection: sqlite3.Connection | None = None
        self._pid = os.getpid()
        self._mutex = threading.RLock()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection for one write transaction: committed at the end, rolled back on an exception."""
        with self._mine(), self._alone():
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
        with self._mine():
            if self._connection is None:
                with self._alone():
                    self._open()
            connection = self._open()
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("ROLLBACK")

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self._mine():
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    @contextmanager
    def _mine(self) -> Iterator[None]:
        """Hold the connection; a forked child leaves its parent's alone, as SQLite asks, and opens its own."""
        if self._pid != os.getpid():
            if self._connection is not None:
                _left_to_parents.append(self._connection)
            self._pid, self._mutex, self._connection = os.getpid(), threading.RLock(), None
        with self._mutex:
            yield

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Hold the file lock, in a folder that exists."""
        private(self._path.parent)
        with FileLock(self._path.with_suffix(".lock")):
            yield

    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            self._create()
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            try:
                connection.row_factory = sqlite3.Row
                for pragma in _PRAGMAS:
                    connection.execute(pragma)
                self._migrate(connection)
            except BaseException:
                connection.close()
                raise
            self._connection = connection
        return self._connection

    def _create(self) -> None:
        """Make the file, for its owner's eyes only.

        One that exists is not opened, not even to look: closing it would drop the POSIX locks that this process's other
        connections hold on it (sqlite.org/howtocorrupt.html, section 2.2).
        """
        with suppress(FileExistsError):
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))

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
        log = self._path.with_name(self._path.name + "-wal")
        if log.exists() and log.stat().st_size > CHECKPOINT_AT:
            connection.execute("PRAGMA busy_timeout=0")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            connection.execute(_BUSY)
