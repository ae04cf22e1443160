"""What the outbox lets go of for its age: what waited too long, and what nobody waits for any more.

A bounded part of the records is looked at at a time, from where the last look ended, whichever process did that.
"""

import time
from collections.abc import Mapping
from itertools import takewhile
from sqlite3 import Connection

from spancast.delivery.outbox.eviction import Shed, remove, waiting_for
from spancast.delivery.outbox.limits import Limits
from spancast.records import early

WAITED_TOO_LONG = "waited too long"

_LOOK = 1000
"""Records that are looked at at a time."""
_ON_THEIR_WAY = 1000
"""The newest words, whose calls may still be on their way here."""


def sweep(connection: Connection, keeping: Limits) -> bool:
    """Let go of what is too old; return whether there is more of it."""
    now = time.time()
    more = _give_up(connection, now - keeping.age)
    return _forget(connection, now - keeping.retention) or more


def _give_up(connection: Connection, before: float) -> bool:
    """Shed what came before this time and still waits."""
    account = Shed(WAITED_TOO_LONG)
    given_up = 0
    for row in connection.execute(_OLDEST).fetchall():
        oldest = {"name": row["name"], "before": before, "limit": _LOOK}
        if _is_older(connection, row["excepted"], before):
            given_up += _give_up_exceptions(connection, account, oldest)
        if _is_older(connection, row["ahead"], before):
            given_up += _move_on(connection, account, oldest)
    account.enter(connection)
    return given_up > 0


def _is_older(connection: Connection, seq: int | None, before: float) -> bool:
    found = connection.execute("SELECT came_at FROM record WHERE seq = ?", (seq,)).fetchone()
    return found is not None and found["came_at"] < before


def _give_up_exceptions(connection: Connection, account: Shed, oldest: Mapping[str, object]) -> int:
    rows = connection.execute(_EXCEPTED, oldest).fetchall()
    for row in rows:
        account.add({str(oldest["name"]): bool(row["sent"])}, row["payload"])
    connection.executemany(
        "DELETE FROM exception WHERE destination = ? AND seq = ?", [(oldest["name"], row["seq"]) for row in rows]
    )
    return len(rows)


def _move_on(connection: Connection, account: Shed, oldest: Mapping[str, object]) -> int:
    """Move a destination's cursor across the records behind it that are that old."""
    found = connection.execute(_AHEAD, oldest).fetchall()
    rows = [*takewhile(lambda row: row["came_at"] < oldest["before"], found)]
    for row in rows:
        account.add({str(oldest["name"]): False}, row["payload"])
    if rows:
        connection.execute("UPDATE destination SET cursor = ? WHERE name = ?", (rows[-1]["seq"], oldest["name"]))
    return len(rows)


def _forget(connection: Connection, before: float) -> bool:
    """Delete what came before this time and nobody waits for."""
    (position,) = connection.execute("SELECT position FROM sweep").fetchone()
    rows = connection.execute(_NEXT, (position, _LOOK)).fetchall()
    old = [row for row in rows if row["came_at"] < before]
    remove(connection, [row for row in old if not waiting_for(connection, row["seq"])])
    more = len(old) == _LOOK
    connection.execute("UPDATE sweep SET position = ?", (old[-1]["seq"] if more else 0,))
    if not more:
        connection.execute(_ORPHANS, (_ON_THEIR_WAY,))
        early.forget(connection, int(before * 1e9))
    return more


_OLDEST = """
    SELECT name,
        (SELECT min(seq) FROM exception WHERE destination = name AND state = 'waiting') AS excepted,
        (SELECT min((SELECT min(seq) FROM record WHERE record.route = routed.route AND record.seq > cursor))
         FROM routed WHERE routed.destination = name) AS ahead
    FROM destination
"""
_EXCEPTED = """
    SELECT seq, payload, sent FROM exception JOIN record USING (seq)
    WHERE destination = :name AND state = 'waiting' AND came_at < :before ORDER BY seq LIMIT :limit
"""
# `+` keeps SQLite from walking the routes one by one, which would sort all that waits before the limit applies.
_AHEAD = """
    SELECT seq, payload, came_at FROM record WHERE seq > (SELECT cursor FROM destination WHERE name = :name)
    AND +route IN (SELECT route FROM routed WHERE destination = :name) ORDER BY seq LIMIT :limit
"""
_NEXT = "SELECT seq, call_id, route, came_at FROM record WHERE seq > ? ORDER BY seq LIMIT ?"
_ORPHANS = """
    DELETE FROM content WHERE rowid IN (
        SELECT oldest.rowid FROM (SELECT rowid, call_id FROM content ORDER BY rowid LIMIT 100) AS oldest
        WHERE oldest.rowid <= (SELECT max(rowid) FROM content) - ?
        AND NOT EXISTS (SELECT 1 FROM record WHERE record.call_id = oldest.call_id)
    )
"""
