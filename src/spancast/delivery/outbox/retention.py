"""Removing records because of their age: those that waited too long, and those that no destination waits for.

Each call examines a bounded number of records, from where the previous call, in any process, stopped.
"""

import time
from collections.abc import Mapping
from itertools import takewhile
from sqlite3 import Connection

from spancast import early_facts
from spancast.base.units import NS_PER_SECOND
from spancast.delivery.outbox.eviction import ShedRecords, remove, waiting_for
from spancast.delivery.outbox.limits import Limits

WAITED_TOO_LONG = "waited too long"

_BATCH_RECORDS = 1000
"""Records that one call examines."""
_NEWEST_CONTENTS = 1000
"""The newest contents are never removed as orphans: their calls may not have arrived yet."""


def sweep(connection: Connection, limits: Limits) -> bool:
    """Remove a bounded number of old records; return whether there are more."""
    now = time.time()
    more = _give_up(connection, now - limits.age)
    return _forget(connection, now - limits.retention) or more


def _give_up(connection: Connection, before: float) -> bool:
    """Shed records from before this time that still wait."""
    losses = ShedRecords(WAITED_TOO_LONG)
    given_up = 0
    for row in connection.execute(_OLDEST).fetchall():
        oldest = {"name": row["name"], "before": before, "limit": _BATCH_RECORDS}
        if _is_older(connection, row["excepted"], before):
            given_up += _give_up_exceptions(connection, losses, oldest)
        if _is_older(connection, row["ahead"], before):
            given_up += _move_on(connection, losses, oldest)
    losses.enter(connection)
    return given_up > 0


def _is_older(connection: Connection, seq: int | None, before: float) -> bool:
    found = connection.execute("SELECT came_at FROM record WHERE seq = ?", (seq,)).fetchone()
    return found is not None and found["came_at"] < before


def _give_up_exceptions(connection: Connection, losses: ShedRecords, oldest: Mapping[str, object]) -> int:
    rows = connection.execute(_EXCEPTED, oldest).fetchall()
    for row in rows:
        losses.add({str(oldest["name"]): bool(row["sent"])}, row["payload"])
    connection.executemany(
        "DELETE FROM exception WHERE destination = ? AND seq = ?", [(oldest["name"], row["seq"]) for row in rows]
    )
    return len(rows)


def _move_on(connection: Connection, losses: ShedRecords, oldest: Mapping[str, object]) -> int:
    """Move a destination's cursor past the old records in front of it."""
    found = connection.execute(_AHEAD, oldest).fetchall()
    rows = [*takewhile(lambda row: row["came_at"] < oldest["before"], found)]
    for row in rows:
        losses.add({str(oldest["name"]): False}, row["payload"])
    if rows:
        connection.execute("UPDATE destination SET cursor = ? WHERE name = ?", (rows[-1]["seq"], oldest["name"]))
    return len(rows)


def _forget(connection: Connection, before: float) -> bool:
    """Delete records from before this time that no destination waits for."""
    (position,) = connection.execute("SELECT position FROM sweep").fetchone()
    rows = connection.execute(_NEXT, (position, _BATCH_RECORDS)).fetchall()
    old = [row for row in rows if row["came_at"] < before]
    remove(connection, [row for row in old if not waiting_for(connection, row["seq"])])
    more = len(old) == _BATCH_RECORDS
    connection.execute("UPDATE sweep SET position = ?", (old[-1]["seq"] if more else 0,))
    if not more:
        connection.execute(_ORPHANS, (_NEWEST_CONTENTS,))
        early_facts.delete_before(connection, int(before * NS_PER_SECOND))
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
# Without the `+`, SQLite would walk the routes one by one, and sort all waiting records before applying the limit.
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
