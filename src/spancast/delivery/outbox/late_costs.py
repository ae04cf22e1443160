"""Costs that arrive after their call: they complete the record, and reach the destinations that want them.

The failure of a job, which will have no cost, is treated like a late cost.

A record that was delivered while its cost could still arrive is an exception in state `open`: neither waiting nor dead,
with what its destination wants done when the cost arrives. A record to be sent again counts as waiting instead of
delivered; if the platform refuses the second version, it keeps the first, and the record counts as delivered.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from sqlite3 import Connection

from spancast.delivery.outbox.accounts import NOTE, tally
from spancast.delivery.outbox.ack import NOT_SENT_AGAIN, Ack, Open
from spancast.delivery.outbox.payload import call_of, encoded
from spancast.destinations.destination import LateCost
from spancast.records.late import LateFacts, cost_may_come, filled, is_update

HOLD_SECONDS = 60.0
"""How long a record waits for its cost, from when it entered the outbox."""
COST_EXPECTED = "cost expected"
COST_CAME = "cost came late"
SENT_AGAIN = "sent again with its cost"
SENT_WITHOUT = "sent without its cost"
LEFT_OUT = "late cost left out"


def fill(connection: Connection, late: LateFacts) -> bool:
    """Complete the record that a late fact is about; return whether there is one."""
    found = connection.execute(_BY_JOB if late.call_id is None else _BY_CALL, (late.call_id or late.job_id,)).fetchone()
    if found is None:
        return False
    before = call_of(found["payload"])
    if before is None:
        return True
    after = filled(before, late)
    if after != before:
        connection.execute("UPDATE record SET payload = ? WHERE seq = ?", (encoded(after), found["seq"]))
    if is_update(before, after) or not cost_may_come(after):
        connection.execute("UPDATE exception SET not_before = NULL WHERE seq = ?", (found["seq"],))
    if is_update(before, after):
        for row in connection.execute(_OPEN, (found["seq"],)).fetchall():
            _cost_arrived(connection, row["destination"], found["seq"], row["reason"])
    return True


def keep_open(connection: Connection, name: str, delivered: Mapping[int, Open]) -> None:
    """Enter records that were delivered while their cost may still arrive; some costs arrived during the request."""
    for seq, sent in delivered.items():
        connection.execute(_KEEP_OPEN, (name, seq, sent.wanted))
        if sent.wanted == "hold":
            tally(connection, name, NOTE, {SENT_WITHOUT: 1})
        found = connection.execute("SELECT payload FROM record WHERE seq = ?", (seq,)).fetchone()
        call = call_of(found["payload"])
        if call is not None and is_update(sent.call, call):
            _cost_arrived(connection, name, seq, sent.wanted)


def first_version_stands(connection: Connection, name: str, ack: Ack) -> Ack:
    """Note what became of records that were sent a second time; return the ack with the refused ones as delivered.

    A platform that refuses the second version has the first.
    """
    sent = {row["seq"] for row in connection.execute(_SENT, (name,))}
    refused = {
        seq: reason
        for reasons in (ack.skipped, ack.expired, ack.dead)
        for seq, reason in reasons.items()
        if seq in sent
    }
    again = sent.intersection(ack.delivered)
    counts = Counter(f"{NOT_SENT_AGAIN}: {reason}" for reason in refused.values())
    tally(connection, name, NOTE, counts | {SENT_AGAIN: len(again)})
    return replace(
        ack,
        delivered=(*ack.delivered, *refused),
        skipped=_without(ack.skipped, refused),
        expired=_without(ack.expired, refused),
        dead=_without(ack.dead, refused),
    )


_BY_CALL = "SELECT seq, payload FROM record WHERE call_id = ?"
_BY_JOB = "SELECT seq, payload FROM record WHERE job = ? ORDER BY seq LIMIT 1"
_KEEP_OPEN = "INSERT INTO exception (destination, seq, state, reason) VALUES (?, ?, 'open', ?)"
_OPEN = "SELECT destination, reason FROM exception WHERE seq = ? AND state = 'open'"
_SENT = "SELECT seq FROM exception WHERE destination = ? AND sent = 1"


def _cost_arrived(connection: Connection, name: str, seq: int, wanted: LateCost) -> None:
    """Do what a destination wants done with a cost that arrived after the record was delivered."""
    if wanted == "update":
        tally(connection, name, "delivered", {"": -1})
        connection.execute(
            "UPDATE exception SET state = 'waiting', reason = ?, sent = 1 WHERE destination = ? AND seq = ?",
            (COST_CAME, name, seq),
        )
    else:
        tally(connection, name, NOTE, {LEFT_OUT: 1})
        connection.execute("DELETE FROM exception WHERE destination = ? AND seq = ?", (name, seq))


def _without(reasons: Mapping[int, str], seqs: Mapping[int, str]) -> Mapping[int, str]:
    return {seq: reason for seq, reason in reasons.items() if seq not in seqs}
