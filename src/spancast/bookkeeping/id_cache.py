"""A cache of the ids of texts and kinds, so that each batch need not look all of them up again.

It is valid only while no other connection writes: pruning deletes texts, and their ids may be reused. SQLite's
`data_version` shows commits of other connections, and `total_changes` those of this one outside the batches.
"""

from collections.abc import Hashable
from sqlite3 import Connection
from typing import NamedTuple

from spancast.bookkeeping.entry import Kind

MAX_ENTRIES = 20_000
"""Cached texts, at most, of some 100 bytes each: sessions come and go."""


class StoredKind(NamedTuple):
    """A kind, and its id."""

    number: int
    kind: Kind


Kinds = dict[Hashable, StoredKind]
"""Kinds by `entry.traits`."""
Settings = dict[Hashable, str | None]
"""Settings as JSON, by their values."""


class IdCache:
    """The ids of texts and kinds. Use it in one transaction at a time, and drop it when that fails."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.kinds: Kinds = {}
        self.settings: Settings = {}
        self._connection: Connection | None = None
        self._version: tuple[int, int] | None = None

    def begin(self, connection: Connection) -> None:
        """Begin a transaction: drop what may be outdated."""
        if self._connection is not connection or self._version != _version(connection):
            self.texts.clear()
            self.kinds.clear()
        if len(self.texts) > MAX_ENTRIES:
            self.texts.clear()
        if len(self.kinds) + len(self.settings) > MAX_ENTRIES:
            self.kinds.clear()
            self.settings.clear()

    def end(self, connection: Connection) -> None:
        """End a transaction: the cache stays valid until another connection writes."""
        self._connection, self._version = connection, _version(connection)


def _version(connection: Connection) -> tuple[int, int]:
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return version, connection.total_changes
