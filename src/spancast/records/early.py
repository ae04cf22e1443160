"""What is said of a call before its store has the call: kept there until the call comes.

A poll may be drained from another process's segment than the call, and before it.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from sqlite3 import Connection
from typing import Protocol

import msgspec

from spancast.records.late import Late

TABLE = "CREATE TABLE late(seq INTEGER PRIMARY KEY, key TEXT NOT NULL, payload BLOB NOT NULL) STRICT"
INDEX = "CREATE INDEX late_by_key ON late(key)"

Fill = Callable[[Connection, Late], bool]
"""Fills the record that a word is about; returns whether there is one."""


class Kept(Protocol):
    """A call that its store has just taken in."""

    @property
    def call_id(self) -> str:
        """The call's own key."""
        ...

    @property
    def response_id(self) -> str | None:
        """The id of the job, where the call began one."""
        ...


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Late).decode


def take(connection: Connection, words: Iterable[Late], fill: Fill) -> None:
    """Fill what the words are about; keep those whose call is not there yet, each once however often it is said."""
    for late in words:
        if not fill(connection, late) and not _is_kept(connection, late):
            connection.execute("INSERT INTO late (key, payload) VALUES (?, ?)", (_key(late), _encode(late)))


def settle(connection: Connection, calls: Sequence[Kept], fill: Fill) -> None:
    """Fill the calls that words have been waiting for."""
    if connection.execute("SELECT 1 FROM late LIMIT 1").fetchone() is None:
        return
    for key in _keys(calls):
        for seq, payload in connection.execute(_WAITING, (key,)).fetchall():
            if fill(connection, _decode(payload)):
                connection.execute("DELETE FROM late WHERE seq = ?", (seq,))


def forget(connection: Connection, before: int) -> None:
    """Drop the oldest words that were said before this time, in Unix nanoseconds: their call will not come any more."""
    oldest = connection.execute("SELECT seq, payload FROM late ORDER BY seq LIMIT 100").fetchall()
    gone = [(seq,) for seq, payload in oldest if _decode(payload).at < before]
    connection.executemany("DELETE FROM late WHERE seq = ?", gone)


_WAITING = "SELECT seq, payload FROM late WHERE key = ? ORDER BY seq"


def _is_kept(connection: Connection, late: Late) -> bool:
    waiting = connection.execute(_WAITING, (_key(late),)).fetchall()
    return any(msgspec.structs.replace(_decode(payload), at=late.at) == late for _, payload in waiting)


def _keys(calls: Sequence[Kept]) -> Iterator[str]:
    for call in calls:
        yield f"call {call.call_id}"
        if call.response_id is not None:
            yield f"job {call.response_id}"


def _key(late: Late) -> str:
    return f"job {late.job_id}" if late.call_id is None else f"call {late.call_id}"
