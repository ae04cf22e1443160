"""Late facts that a store receives before their call: stored until the call comes.

Both stores, the ledger and the outbox, have a table of them. A poll may be drained from the segment of another process
than its call, and before it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Protocol

import msgspec

from spancast.records.late import LateFacts

TABLE = "CREATE TABLE late(seq INTEGER PRIMARY KEY, key TEXT NOT NULL, payload BLOB NOT NULL) STRICT"
INDEX = "CREATE INDEX late_by_key ON late(key)"

Fill = Callable[[Connection, LateFacts], bool]
"""Fills the record of a call with late facts; returns whether the store has the call."""


class StoredCall(Protocol):
    """A call that its store has just inserted."""

    @property
    def call_id(self) -> str:
        """The call's own key."""
        ...

    @property
    def response_id(self) -> str | None:
        """The id of the job, where the call started one."""
        ...


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(LateFacts).decode


def apply(connection: Connection, facts: Iterable[LateFacts], fill: Fill) -> None:
    """Fill calls with late facts; store facts whose call is not there yet, once however often they are stated."""
    for late in facts:
        if not fill(connection, late) and not _is_stored(connection, late):
            connection.execute("INSERT INTO late (key, payload) VALUES (?, ?)", (_key(late), _encode(late)))


def apply_stored(connection: Connection, calls: Sequence[StoredCall], fill: Fill) -> None:
    """Fill new calls with the facts that were stored before them."""
    if connection.execute("SELECT 1 FROM late LIMIT 1").fetchone() is None:
        return
    for key in _keys(calls):
        for seq, payload in connection.execute(_BY_KEY, (key,)).fetchall():
            if fill(connection, _decode(payload)):
                connection.execute("DELETE FROM late WHERE seq = ?", (seq,))


def delete_before(connection: Connection, before: int) -> None:
    """Delete the oldest facts that became known before a Unix time in nanoseconds: their call will not come."""
    oldest = connection.execute("SELECT seq, payload FROM late ORDER BY seq LIMIT 100").fetchall()
    expired = [(seq,) for seq, payload in oldest if _decode(payload).at < before]
    connection.executemany("DELETE FROM late WHERE seq = ?", expired)


_BY_KEY = "SELECT seq, payload FROM late WHERE key = ? ORDER BY seq"


def _is_stored(connection: Connection, late: LateFacts) -> bool:
    stored = connection.execute(_BY_KEY, (_key(late),)).fetchall()
    return any(msgspec.structs.replace(_decode(payload), at=late.at) == late for _, payload in stored)


def _keys(calls: Sequence[StoredCall]) -> Iterator[str]:
    for call in calls:
        yield f"call {call.call_id}"
        if call.response_id is not None:
            yield f"job {call.response_id}"


def _key(late: LateFacts) -> str:
    return f"job {late.job_id}" if late.call_id is None else f"call {late.call_id}"
