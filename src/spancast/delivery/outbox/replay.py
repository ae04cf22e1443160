"""Sending a destination records after all: those from before it was configured, and those that are dead for it."""

from collections import Counter
from sqlite3 import Connection

from spancast.delivery.outbox.accounts import tally
from spancast.delivery.outbox.ack import AMBIGUOUS

REPLAYED = "to be replayed"
BATCH_RECORDS = 5000
"""Records per transaction, so that other processes do not wait long."""


def unnamed(connection: Connection, name: str, since: int, after: int) -> tuple[int, int | None]:
    """Queue records after the record `after` that do not name the destination and were not replayed to it before.

    Returns:
        How many were queued, and the last record that was examined; `None` at the end of all records.
    """
    seqs = [row["seq"] for row in connection.execute(_NEXT, (after, BATCH_RECORDS)).fetchall()]
    these = {"name": name, "since": since, "after": after, "until": seqs[-1] if seqs else after, "reason": REPLAYED}
    count = connection.execute(_WAIT, these).rowcount
    connection.execute(_NAME, these)
    tally(connection, name, "captured", {"": count})
    return count, seqs[-1] if len(seqs) == BATCH_RECORDS else None


def dead(connection: Connection, name: str, since: int, *, ambiguous: bool) -> int:
    """Queue the dead records of a destination again; those that the platform may have only with `ambiguous`."""
    rows = connection.execute(_DEAD, (name, since)).fetchall()
    again = [row for row in rows if ambiguous or row["reason"] != AMBIGUOUS]
    connection.executemany(_REVIVE, [(REPLAYED, name, row["seq"]) for row in again])
    tally(
        connection, name, "dead", {reason: -count for reason, count in Counter(row["reason"] for row in again).items()}
    )
    return len(again)


_NEXT = "SELECT seq FROM record WHERE seq > ? ORDER BY seq LIMIT ?"
_WHICH = """
    seq > :after AND seq <= :until AND started_at >= :since
    AND route NOT IN (SELECT route FROM routed WHERE destination = :name)
"""
_WAIT = f"""
    INSERT INTO exception (destination, seq, state, reason) SELECT :name, seq, 'waiting', :reason FROM record
    WHERE {_WHICH} AND seq NOT IN (SELECT seq FROM replayed WHERE destination = :name)
"""  # noqa: S608 - text from here
_NAME = f"INSERT OR IGNORE INTO replayed SELECT :name, seq FROM record WHERE {_WHICH}"  # noqa: S608 - text from here
_DEAD = """
    SELECT seq, reason FROM exception JOIN record USING (seq)
    WHERE destination = ? AND state = 'dead' AND started_at >= ?
"""
_REVIVE = "UPDATE exception SET state = 'waiting', reason = ?, not_before = NULL WHERE destination = ? AND seq = ?"
