"""Removing records from the outbox, counted with their dollars for each destination that still waited for them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from sqlite3 import Connection, Row

from spancast.delivery.outbox.accounts import NOTE, tally
from spancast.delivery.outbox.ack import NOT_SENT_AGAIN
from spancast.delivery.outbox.payload import call_of


class LossTally:
    """Counts what destinations waited for and will not get, for one reason."""

    def __init__(self, kind: str, reason: str) -> None:
        self._kind = kind
        self._reason = reason
        self._counts: Counter[str] = Counter()
        self._dollars: dict[str, Decimal] = {}

    def add(self, names: Iterable[str], payload: bytes) -> None:
        """Count a record for the destinations that waited for it."""
        call = call_of(payload)
        cost = (call and call.cost) or Decimal(0)
        for name in names:
            self._counts[name] += 1
            self._dollars[name] = self._dollars.get(name, Decimal(0)) + cost

    def enter(self, connection: Connection) -> None:
        """Add the counts to the destinations' counters."""
        for name, count in self._counts.items():
            tally(connection, name, self._kind, {self._reason: count}, {self._reason: self._dollars[name]})


class ShedRecords:
    """Counts the records that are shed, for one reason.

    A record that waited only to be sent again with its cost counts as delivered: the platform has its first version.
    """

    def __init__(self, reason: str) -> None:
        self._reason = reason
        self._shed = LossTally("shed", reason)
        self._delivered: Counter[str] = Counter()

    def add(self, waits: Mapping[str, bool], payload: bytes) -> None:
        """Count a record for the destinations that waited for it; the flag says whether the platform has a version."""
        self._shed.add([name for name, sent in waits.items() if not sent], payload)
        self._delivered.update(name for name, sent in waits.items() if sent)

    def enter(self, connection: Connection) -> None:
        """Add the counts to the destinations' counters."""
        self._shed.enter(connection)
        for name, count in self._delivered.items():
            tally(connection, name, "delivered", {"": count})
            tally(connection, name, NOTE, {f"{NOT_SENT_AGAIN}: {self._reason}": count})


def waiting_for(connection: Connection, seq: int) -> dict[str, bool]:
    """Return the destinations that wait for a record, and for each whether the platform has it without its cost."""
    return {row["name"]: bool(row["sent"]) for row in connection.execute(_WAITING_FOR, {"seq": seq})}


def remove(connection: Connection, records: Sequence[Row]) -> None:
    """Delete records (rows with `seq`, `call_id` and `route`) and everything that refers to them."""
    seqs = [(record["seq"],) for record in records]
    for table in ("exception", "replayed", "record"):
        connection.executemany(f"DELETE FROM {table} WHERE seq = ?", seqs)  # noqa: S608 - names from here
    connection.executemany("DELETE FROM content WHERE call_id = ?", [(record["call_id"],) for record in records])
    for route in {record["route"] for record in records}:
        if connection.execute("SELECT 1 FROM record WHERE route = ? LIMIT 1", (route,)).fetchone() is None:
            connection.execute("DELETE FROM routed WHERE route = ?", (route,))
            connection.execute("DELETE FROM route WHERE id = ?", (route,))


_WAITING_FOR = """
    SELECT destination AS name, sent FROM exception WHERE seq = :seq AND state = 'waiting'
    UNION ALL SELECT name, 0 FROM record JOIN routed USING (route) JOIN destination ON name = routed.destination
    WHERE seq = :seq AND seq > cursor
"""
