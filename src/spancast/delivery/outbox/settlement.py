"""Entering what became of a courier's batch: records, counters, cursor and state, in one transaction."""

import json
import time
from collections import Counter
from sqlite3 import Connection

from spancast.delivery.outbox import late_costs
from spancast.delivery.outbox.accounts import NOTE, tally
from spancast.delivery.outbox.ack import Ack, Hold
from spancast.delivery.outbox.intake import destination


def settle(connection: Connection, name: str, ack: Ack) -> None:
    """Enter an ack. A record that the outbox has dropped meanwhile was counted then, and is not counted again."""
    destination(connection, name)
    ack = late_costs.first_version_stands(connection, name, _still_waiting(connection, name, ack))
    _enter_records(connection, name, ack)
    tally(connection, name, "delivered", {"": len(ack.delivered)})
    tally(connection, name, NOTE, ack.notes)
    for kind, reasons in (("skipped", ack.skipped), ("expired", ack.expired), ("dead", ack.dead)):
        tally(connection, name, kind, Counter(reasons.values()))
    late_costs.keep_open(connection, name, ack.opened)
    delivered_at = time.time_ns() if ack.delivered else None
    connection.execute(_MOVE, (ack.cursor, delivered_at, name))
    if ack.state is not None:
        hold = ack.hold or Hold(0.0)
        until = None if ack.hold is None else hold.until
        state = (ack.state, ack.reason, until, hold.is_requested, hold.length, hold.failures, name)
        connection.execute(_SET_STATE, state)


def _enter_records(connection: Connection, name: str, ack: Ack) -> None:
    decided = [*ack.delivered, *ack.skipped, *ack.expired]
    connection.execute(_SETTLE, (name, json.dumps(decided)))
    for state, reasons in (("waiting", ack.waiting), ("dead", ack.dead)):
        rows = [(name, seq, state, reason, None, 0.0) for seq, reason in reasons.items()]
        connection.executemany(_EXCEPT, rows)
    now = time.time()
    held = [(name, seq, "waiting", wait.reason, wait.until, wait.until - now) for seq, wait in ack.held.items()]
    connection.executemany(_EXCEPT, held)


def _still_waiting(connection: Connection, name: str, ack: Ack) -> Ack:
    """Return the ack without the records that the destination no longer waits for."""
    named = {*ack.delivered, *ack.skipped, *ack.expired, *ack.dead, *ack.waiting, *ack.held, *ack.opened}
    waits = {row["seq"] for row in connection.execute(_WAITS, {"name": name, "seqs": json.dumps([*named])})}
    return ack if waits == named else ack.without(named - waits)


_EXCEPT = """
    INSERT INTO exception (destination, seq, state, reason, not_before, held_for) VALUES (?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason, not_before = excluded.not_before,
        held_for = excluded.held_for
"""
_SETTLE = "DELETE FROM exception WHERE destination = ? AND seq IN (SELECT value FROM json_each(?))"
_WAITS = """
    WITH named AS (SELECT value AS seq FROM json_each(:seqs))
    SELECT seq FROM exception WHERE destination = :name AND seq IN named AND state = 'waiting'
    UNION SELECT seq FROM record WHERE seq IN named AND seq > (SELECT cursor FROM destination WHERE name = :name)
    AND +route IN (SELECT route FROM routed WHERE destination = :name)
"""
_MOVE = """
    UPDATE destination SET cursor = max(cursor, ?), last_delivered_at = coalesce(?, last_delivered_at) WHERE name = ?
"""
_SET_STATE = """
    UPDATE destination SET state = ?, reason = ?, not_before = ?, asked = ?, held_for = ?, failures = ? WHERE name = ?
"""
