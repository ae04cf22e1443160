"""The outbox: the captured records, and how far each destination has got with them (`outbox.db`).

Each destination has a cursor over the records that name it. A record behind the cursor that is not settled is an
exception, with a reason: it waits, or is dead. The counters always add up; see `accounts`.

A record names the destinations that were configured when it was captured, so a new destination starts with new records.
Records that all destinations have settled stay for `spancast replay`, as long as `Limits` allows.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Connection

from spancast import early_facts
from spancast.base import clock
from spancast.base.cache import WeightedCache
from spancast.base.segments import writer_of
from spancast.base.store import Store
from spancast.base.units import INT64_MAX
from spancast.delivery.outbox import cap, contents, intake, late_costs, replay, retention, settlement
from spancast.delivery.outbox.accounts import Standing, standing, tally
from spancast.delivery.outbox.ack import Ack, Hold
from spancast.delivery.outbox.intake import destination
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.payload import decoded
from spancast.delivery.outbox.schema import MIGRATIONS
from spancast.records.app_span import AppSpan
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.late import LateFacts
from spancast.records.record import Record, SpanRecord

_SWEEP_SECONDS = 1.0
"""Between two searches for records to remove."""
_CACHE_BYTES = 8 * 1024 * 1024
"""Of decoded records, and of content, for the next destination."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that waits for a destination."""

    seq: int
    call: SpanRecord | None
    """`None` if the record cannot be decoded."""
    received_at: float
    """When it entered the outbox; Unix time in seconds."""
    reason: str | None = None
    """Why it still waits, if it is an exception."""
    excepted: bool = False
    """Whether it is an exception, behind the cursor."""


class Outbox:
    """The outbox of one home directory. Safe for any number of threads and processes."""

    def __init__(self, home: Path, limits: Limits | None = None) -> None:
        """Open the outbox of `home`; without `limits`, as for a reader, it removes no records."""
        self._store = Store(home / "outbox.db", MIGRATIONS)
        self._limits = limits
        self._swept_at = 0.0
        self._decoded: WeightedCache[int, tuple[bytes, Waiting]] = WeightedCache(_CACHE_BYTES)
        """Payloads by `seq`, and the record of each, so that several destinations share the decoding."""
        self._contents: WeightedCache[str, contents.SizedContent] = WeightedCache(_CACHE_BYTES)
        self._served: set[str] = set()

    @property
    def is_shared(self) -> bool:
        """Whether this process serves several destinations."""
        return len(self._served) > 1

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._store.close()

    def committed_offset(self, segment: str) -> int:
        """Return the offset up to which the records of `segment` are stored; 0 for an unknown one."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT end FROM segment WHERE name = ?", (segment,)).fetchone()
        return row["end"] if row else 0

    def apply(self, segment: str, end: int, records: Sequence[Record]) -> None:
        """Store the records of `segment` up to the offset `end`, in one transaction; known calls are skipped.

        A call in progress is not stored. A finished call replaces its `killed` version, which was booked because its
        writer seemed dead, if a destination still waits for it. A late cost updates its call, or waits for it.
        """
        writer = writer_of(segment) or segment
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?)", (segment, end))
            calls = [record for record in records if isinstance(record, Call) and record.outcome is not None]
            spans = [record for record in records if isinstance(record, AppSpan)]
            captured = intake.take(connection, writer, [*calls, *spans])
            late = [record for record in records if isinstance(record, LateFacts)]
            early_facts.apply(connection, late, late_costs.fill)
            early_facts.apply_stored(connection, calls, late_costs.fill)
            contents.take(connection, [record for record in records if isinstance(record, Content)])
            for name, count in captured.items():
                tally(connection, name, "captured", {"": count})
            self._prune_if_due(connection)

    def prune(self) -> bool:
        """Remove a bounded number of records that are too old or too many; return whether there are more."""
        if self._limits is None:
            return False
        with self._store.transaction() as connection:
            more = retention.sweep(connection, self._limits)
            return cap.shed(connection, self._limits.size) or more

    def _prune_if_due(self, connection: Connection) -> None:
        if self._limits is not None:
            cap.shed(connection, self._limits.size)
            if clock.now() - self._swept_at >= _SWEEP_SECONDS:
                self._swept_at = clock.now()
                retention.sweep(connection, self._limits)

    def replay(self, name: str, since: int, *, ambiguous: bool = False) -> int:
        """Queue the records since a time for a destination that has not been sent them, or for which they are dead.

        Args:
            name: The destination.
            since: Unix time in nanoseconds.
            ambiguous: Whether to include dead records that the platform may have.

        Returns:
            How many records wait now because of this.
        """
        count = 0
        after: int | None = 0
        while after is not None:
            with self._store.transaction() as connection:
                destination(connection, name)
                found, after = replay.unnamed(connection, name, since, after)
            count += found
        with self._store.transaction() as connection:
            return count + replay.dead(connection, name, since, ambiguous=ambiguous)

    def forget(self, segment: str) -> None:
        """Drop the offset of a segment that has been removed."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM segment WHERE name = ?", (segment,))

    def serve(self, name: str) -> None:
        """Count a destination as served by this process."""
        self._served.add(name)

    def register(self, name: str, exporter: str, endpoint: str | None) -> None:
        """Enter a destination that this process serves; one without records starts with the next record."""
        with self._store.transaction() as connection:
            destination(connection, name)
            connection.execute(
                "UPDATE destination SET exporter = ?, endpoint = ? WHERE name = ?", (exporter, endpoint, name)
            )
            connection.execute(
                "UPDATE destination SET state = 'ready', reason = NULL WHERE name = ? AND state = 'unconfigured'",
                (name,),
            )

    def mark_unconfigured(self, name: str, exporter: str, reason: str, *, even_if_served: bool = False) -> None:
        """Enter why this process cannot serve a destination; by default only if no process has served it."""
        with self._store.transaction() as connection:
            destination(connection, name)
            connection.execute("UPDATE destination SET exporter = ? WHERE name = ? AND exporter = ''", (exporter, name))
            if even_if_served:
                settlement.settle(connection, name, Ack(state="unconfigured", reason=reason))
                return
            connection.execute(
                "UPDATE destination SET state = 'unconfigured', reason = ? WHERE name = ? AND state = 'ready' "
                "AND last_delivered_at IS NULL",
                (reason, name),
            )

    def take(self, name: str, limit: int) -> tuple[Waiting, ...]:
        """Return up to `limit` records that wait for a destination: exceptions first, and oldest first.

        A record that waits for its cost or its content is left out until that has arrived, or the wait is over.
        """
        now = time.time()
        with self._store.reading() as connection:
            rows = connection.execute(_EXCEPTIONS_WAITING, {"name": name, "now": now, "limit": limit}).fetchall()
            rows += connection.execute(_BEHIND_CURSOR, (name, name, limit - len(rows))).fetchall()
        return tuple(self._waiting(*row) for row in rows)

    def _waiting(self, seq: int, payload: bytes, came_at: float, reason: str | None) -> Waiting:
        cached = self._decoded.get(seq)
        if cached is not None and cached[0] == payload and cached[1].received_at == came_at:  # a late cost changes it
            waiting = cached[1]
        else:
            waiting = Waiting(seq, decoded(payload), came_at)
            if self.is_shared:
                self._decoded.put(seq, (payload, waiting), len(payload))
        return waiting if reason is None else replace(waiting, reason=reason, excepted=True)

    def content(self, call_ids: Sequence[str], max_bytes: int = INT64_MAX) -> tuple[Mapping[str, Content], str | None]:
        """Return the stored content of these calls, and the first call that did not fit into `max_bytes`, if any."""
        with self._store.reading() as connection:
            return contents.load(connection, call_ids, max_bytes, self._contents if self.is_shared else None)

    def next_release(self, name: str) -> float | None:
        """Return when the next wait for a cost or content ends, in Unix seconds; `None` if no record waits for one."""
        with self._store.reading() as connection:
            (until,) = connection.execute(_NEXT_RELEASE, {"name": name, "now": time.time()}).fetchone()
        return None if until is None else float(until)

    def hold(self, name: str) -> Hold | None:
        """Return the hold on a destination, or `None`."""
        with self._store.reading() as connection:
            row = connection.execute(_HOLD, (name,)).fetchone()
        if row is None or row["not_before"] is None:
            return None
        return Hold(row["not_before"], bool(row["asked"]), row["held_for"], row["failures"])

    def ack(self, name: str, ack: Ack) -> None:
        """Enter what became of a batch: records, counters, cursor and state change together."""
        with self._store.transaction() as connection:
            settlement.settle(connection, name, ack)

    def undecided(self, writer: str, names: Sequence[str]) -> int:
        """Return how many deliveries of a writer's records are not settled; see `segments.writer_of`."""
        with self._store.reading() as connection:
            return sum(connection.execute(_UNDECIDED, {"name": name, "writer": writer}).fetchone()[0] for name in names)

    def dead(self, writer: str, names: Sequence[str]) -> int:
        """Return how many deliveries of a writer's records have failed for good."""
        with self._store.reading() as connection:
            return sum(connection.execute(_DEAD, {"name": name, "writer": writer}).fetchone()[0] for name in names)

    def standings(self) -> tuple[Standing, ...]:
        """Return the standing of every destination that was ever configured or named, ordered by name."""
        with self._store.reading() as connection:
            rows = connection.execute("SELECT * FROM destination ORDER BY name").fetchall()
            return tuple(standing(connection, row) for row in rows)


# Without the `+`, SQLite would walk the routes one by one, and sort all waiting records before applying the limit.
_BEHIND_CURSOR = """
    SELECT record.seq, payload, came_at, NULL AS reason FROM record
    WHERE record.seq > (SELECT cursor FROM destination WHERE name = ?)
    AND +route IN (SELECT route FROM routed WHERE destination = ?) ORDER BY record.seq LIMIT ?
"""
# A wait that seems to start in the future started before a clock was set back, and counts as over.
_HELD = ":now BETWEEN coalesce(not_before - held_for - 1, 1e18) AND coalesce(not_before, 0)"
_EXCEPTIONS_WAITING = f"""
    SELECT record.seq, payload, came_at, reason FROM exception JOIN record USING (seq)
    WHERE destination = :name AND state = 'waiting' AND NOT {_HELD} ORDER BY exception.seq LIMIT :limit
"""  # noqa: S608 - text from here
_NEXT_RELEASE = f"""
    SELECT min(CASE WHEN {_HELD} THEN not_before ELSE :now END) FROM exception
    WHERE destination = :name AND state = 'waiting' AND not_before IS NOT NULL
"""  # noqa: S608 - text from here
_HOLD = "SELECT not_before, asked, held_for, failures FROM destination WHERE name = ?"
_UNDECIDED = """
    WITH mine AS (
        SELECT route.id FROM route JOIN routed ON routed.route = route.id
        WHERE destination = :name AND writer = :writer
    )
    SELECT
        (SELECT count(*) FROM record WHERE route IN mine AND seq > (SELECT cursor FROM destination WHERE name = :name))
        + (SELECT count(*) FROM exception JOIN record USING (seq)
           WHERE destination = :name AND state = 'waiting' AND route IN mine)
"""
_DEAD = """
    SELECT count(*) FROM exception JOIN record USING (seq) JOIN route ON route.id = route
    WHERE destination = :name AND state = 'dead' AND writer = :writer
"""
