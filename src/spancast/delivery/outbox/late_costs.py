"""What a cost that comes late does in the outbox: it fills the record, and reaches the destinations that want it.

That a job has failed, and so costs nothing more, is told them as its cost would be.

A record that was delivered while its cost could still come is an exception of the state `open`: it is neither waiting
nor dead, and says what its destination wants done when the cost comes. One that is to be sent again is no more
delivered but waits, and the platform's first version of it stands when the second is not taken.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from sqlite3 import Connection

from spancast.delivery.outbox.accounts import tally
from spancast.delivery.outbox.ack import NOT_SENT_AGAIN, Ack, Open
from spancast.delivery.outbox.payload import call_of, encoded
from spancast.destinations.destination import LateCost
from spancast.records.late import Late, filled, is_news, may_come

HOLD = 60.0
"""Seconds for which a record waits for its cost at most, from when it came."""
COST_EXPECTED = "cost expected"
COST_CAME = "cost came late"
SENT_AGAIN = "sent again with its cost"
SENT_WITHOUT = "sent without its cost"
LEFT_OUT = "late cost left out"


def fill(connection: Connection, late: Late) -> bool:
    """Fill the record that the word is about; return whether there is one."""
    found = connection.execute(_BY_JOB if late.call_id is None else _BY_CALL, (late.call_id or late.job_id,)).fetchone()
    if found is None:
        return False
    before = call_of(found["payload"])
    if before is None:
        return True
    after = filled(before, late)
    if after != before:
        connection.execute("UPDATE record SET payload = ? WHERE seq = ?", (encoded(after), found["seq"]))
    if is_news(before, after) or not may_come(after):
        connection.execute("UPDATE exception SET not_before = NULL WHERE seq = ?", (found["seq"],))
    if is_news(before, after):
        for row in connection.execute(_OPEN, (found["seq"],)).fetchall():
            _came(connection, row["destination"], found["seq"], row["reason"])
    return True


def keep_open(connection: Connection, name: str, delivered: Mapping[int, Open]) -> None:
    """Note which records were delivered while their cost might still come; for some it has come on the way."""
    for seq, sent in delivered.items():
        connection.execute(_KEEP_OPEN, (name, seq, sent.wanted))
        if sent.wanted == "hold":
            tally(connection, name, "late", {SENT_WITHOUT: 1})
        found = connection.execute("SELECT payload FROM record WHERE seq = ?", (seq,)).fetchone()
        call = call_of(found["payload"])
        if call is not None and is_news(sent.call, call):
            _came(connection, name, seq, sent.wanted)


def first_version_stands(connection: Connection, name: str, ack: Ack) -> Ack:
    """Count the records that were sent for the second time; return the rest, and as delivered what was delivered once.

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
    tally(connection, name, "late", counts | {SENT_AGAIN: len(again)})
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


def _came(connection: Connection, name: str, seq: int, wanted: LateCost) -> None:
    """Do what the destination wants of what came after its record was delivered."""
    if wanted == "update":
        tally(connection, name, "delivered", {"": -1})
        connection.execute(
            "UPDATE exception SET state = 'waiting', reason = ?, sent = 1 WHERE destination = ? AND seq = ?",
            (COST_CAME, name, seq),
        )
    else:
        tally(connection, name, "late", {LEFT_OUT: 1})
        connection.execute("DELETE FROM exception WHERE destination = ? AND seq = ?", (name, seq))


def _without(reasons: Mapping[int, str], seqs: Mapping[int, str]) -> Mapping[int, str]:
    return {seq: reason for seq, reason in reasons.items() if seq not in seqs}
