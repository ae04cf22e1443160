"""What a destination is sent after all: records of the time before it was named, and what is dead for it."""

from collections import Counter
from sqlite3 import Connection

from spancast.delivery.outbox.accounts import tally
from spancast.delivery.outbox.ack import AMBIGUOUS

REPLAYED = "to be replayed"
AT_A_TIME = 5000
"""Records that are looked at in one transaction, so that nobody else waits for long."""


def unnamed(connection: Connection, name: str, since: int, after: int) -> tuple[int, int | None]:
    """Have a destination wait for records behind the record `after` that do not name it and were not replayed before.

    Returns how many, and the last record that was looked at; `None` where that was the last of all.
    """
    seqs = [row["seq"] for row in connection.execute(_NEXT, (after, AT_A_TIME)).fetchall()]
    these = {"name": name, "since": since, "after": after, "until": seqs[-1] if seqs else after, "reason": REPLAYED}
    count = connection.execute(_WAIT, these).rowcount
    connection.execute(_NAME, these)
    tally(connection, name, "captured", {"": count})
    return count, seqs[-1] if len(seqs) == AT_A_TIME else None


def dead(connection: Connection, name: str, since: int, *, ambiguous: bool) -> int:
    """Have a destination wait for what is dead for it; for what the platform may have only where that is wanted."""
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
