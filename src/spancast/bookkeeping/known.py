"""What has a number in the ledger, as far as this process knows, so that each batch need not look it all up anew.

It holds only as long as nobody else has written: texts are let go of when a ledger is pruned, and their numbers may be
given again. SQLite tells what other connections have committed (`data_version`), and this one counts its own changes.
"""

from collections.abc import Hashable
from sqlite3 import Connection
from typing import NamedTuple

from spancast.bookkeeping.entry import Kind

MOST = 20_000
"""Texts that are known at most, some 100 bytes each: sessions come and go."""


class Numbered(NamedTuple):
    """A kind, and its number."""

    number: int
    kind: Kind


Kinds = dict[Hashable, Numbered]
"""Kinds by what `entry.traits` says of a call."""
Settings = dict[Hashable, str | None]
"""The texts of settings, by what they are made of."""


class Known:
    """The numbers of texts and kinds. It is of one transaction at a time, and not of one that failed."""

    def __init__(self) -> None:
        self.texts: dict[str, int] = {}
        self.kinds: Kinds = {}
        self.settings: Settings = {}
        self._connection: Connection | None = None
        self._moment: tuple[int, int] | None = None

    def open(self, connection: Connection) -> None:
        """Begin a transaction: forget what may not be so any more."""
        if self._connection is not connection or self._moment != _moment(connection):
            self.texts.clear()
            self.kinds.clear()
        if len(self.texts) > MOST:
            self.texts.clear()
        if len(self.kinds) + len(self.settings) > MOST:
            self.kinds.clear()
            self.settings.clear()

    def close(self, connection: Connection) -> None:
        """End a transaction: what is known now holds until somebody writes."""
        self._connection, self._moment = connection, _moment(connection)


def _moment(connection: Connection) -> tuple[int, int]:
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return version, connection.total_changes
