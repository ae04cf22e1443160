"""The outbox: what was captured, and how far each destination has got with it (`outbox.db`).

A destination has a cursor over the records that name it; a record that does not move with the cursor is an exception:
it waits or is dead, with a reason. `captured = delivered + waiting + dead + expired + shed + skipped` holds for every
destination at every instant: the counters change in the transaction that decides the records, and `waiting` is never
stored but counted from the records themselves.

A record names the destinations that were configured where it was made, so a new destination starts at now. What all of
them have decided is kept for `spancast replay`, as long as `Limits` says.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from sqlite3 import Connection

from spancast.base import clock
from spancast.base.segments import writer_of
from spancast.base.shared import Shared
from spancast.base.store import Store
from spancast.delivery.outbox import cap, contents, intake, late_costs, replay, retention
from spancast.delivery.outbox.accounts import Standing, standing, tally
from spancast.delivery.outbox.ack import Ack, Hold
from spancast.delivery.outbox.intake import destination
from spancast.delivery.outbox.limits import Limits
from spancast.delivery.outbox.payload import decoded
from spancast.delivery.outbox.schema import MIGRATIONS
from spancast.records import early
from spancast.records.call import Call
from spancast.records.content import Content
from spancast.records.foreign import Foreign
from spancast.records.late import Late
from spancast.records.record import Record, Sent

_ANY = 2**63
_SWEEP_EVERY = 1.0
"""Seconds between two looks at what need not be kept."""
_ROOM = 8 * 1024 * 1024
"""Bytes of records, and of words, that are kept for the next destination."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that a destination has not decided yet."""

    seq: int
    call: Sent | None
    """`None` when the record cannot be read."""
    came_at: float
    """Unix time in seconds at which it came into the outbox."""
    reason: str | None = None
    """Why it waits, when it was tried before."""
    excepted: bool = False
    """Whether it waits apart from the cursor."""


class Outbox:
    """The records of one home directory. Every method may be called from any thread and any process."""

    def __init__(self, home: Path, keeping: Limits | None = None) -> None:
        """Open the outbox of `home`.

        Without `keeping` nothing is let go of: who only reads does not know how much may be kept.
        """
        self._store = Store(home / "outbox.db", MIGRATIONS)
        self._keeping = keeping
        self._swept_at = 0.0
        self._taken: Shared[int, tuple[bytes, Waiting]] = Shared(_ROOM)
        """Records by `seq`, with what was decoded: what several destinations wait for is decoded once."""
        self._words: Shared[str, contents.Words] = Shared(_ROOM)
        self._served: set[str] = set()

    @property
    def is_shared(self) -> bool:
        """Whether this process serves several destinations from it."""
        return len(self._served) > 1

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._store.close()

    def end(self, segment: str) -> int:
        """Return the offset up to which `segment` is in; 0 when nothing is."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT end FROM segment WHERE name = ?", (segment,)).fetchone()
        return row["end"] if row else 0

    def apply(self, segment: str, end: int, records: Sequence[Record]) -> None:
        """Take in what `segment` holds up to `end`, all or nothing; a call that is in already changes nothing.

        A call that is only opened is none of ours yet. A finished call takes the place of its `killed` self, which was
        booked when its writer seemed dead, as long as some destination still waits for it. What is said late of a call
        fills its record, or waits for it.
        """
        writer = writer_of(segment) or segment
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?)", (segment, end))
            calls = [record for record in records if isinstance(record, Call) and record.outcome is not None]
            spans = [record for record in records if isinstance(record, Foreign)]
            captured = intake.take(connection, writer, [*calls, *spans])
            early.take(connection, [record for record in records if isinstance(record, Late)], late_costs.fill)
            early.settle(connection, calls, late_costs.fill)
            contents.take(connection, [record for record in records if isinstance(record, Content)])
            for name, count in captured.items():
                tally(connection, name, "captured", {"": count})
            self._let_go(connection)

    def tend(self) -> bool:
        """Let go of what need not be kept, or cannot; return whether there is more of it."""
        if self._keeping is None:
            return False
        with self._store.transaction() as connection:
            more = retention.sweep(connection, self._keeping)
            return cap.shed(connection, self._keeping.size) or more

    def _let_go(self, connection: Connection) -> None:
        if self._keeping is not None:
            cap.shed(connection, self._keeping.size)
            if clock.now() - self._swept_at >= _SWEEP_EVERY:
                self._swept_at = clock.now()
                retention.sweep(connection, self._keeping)

    def replay(self, name: str, since: int, *, ambiguous: bool = False) -> int:
        """Have a destination be sent what was recorded since, in Unix nanoseconds, and what it does not have.

        Of what is dead for it, what the platform may have is sent only on demand (`ambiguous`). Returns how many wait
        because of it.
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
        """Drop the offset of a segment that is gone."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM segment WHERE name = ?", (segment,))

    def serve(self, name: str) -> None:
        """Know that this process serves a destination."""
        self._served.add(name)

    def register(self, name: str, exporter: str, endpoint: str | None) -> None:
        """Note what a destination is that this process serves; one that no record names yet starts at now."""
        with self._store.transaction() as connection:
            destination(connection, name)
            connection.execute(
                "UPDATE destination SET exporter = ?, endpoint = ? WHERE name = ?", (exporter, endpoint, name)
            )
            connection.execute(
                "UPDATE destination SET state = 'ready', reason = NULL WHERE name = ? AND state = 'unconfigured'",
                (name,),
            )

    def lacks(self, name: str, exporter: str, reason: str) -> None:
        """Note why this process cannot serve a destination. Where another serves it, what is known of that stands."""
        with self._store.transaction() as connection:
            destination(connection, name)
            connection.execute("UPDATE destination SET exporter = ? WHERE name = ? AND exporter = ''", (exporter, name))
            connection.execute(
                "UPDATE destination SET state = 'unconfigured', reason = ? WHERE name = ? AND state = 'ready' "
                "AND last_delivered_at IS NULL",
                (reason, name),
            )

    def take(self, name: str, limit: int) -> tuple[Waiting, ...]:
        """Return up to `limit` records that wait for a destination: exceptions first, each kind oldest first.

        What waits for its cost or its words is left out until that has come, or its time is over.
        """
        now = time.time()
        with self._store.reading() as connection:
            rows = connection.execute(_EXCEPTIONS_WAITING, {"name": name, "now": now, "limit": limit}).fetchall()
            rows += connection.execute(_BEHIND_CURSOR, (name, name, limit - len(rows))).fetchall()
        return tuple(self._waiting(*row) for row in rows)

    def _waiting(self, seq: int, payload: bytes, came_at: float, reason: str | None) -> Waiting:
        taken = self._taken.get(seq)
        if taken is not None and taken[0] == payload and taken[1].came_at == came_at:  # its cost may have come since
            waiting = taken[1]
        else:
            waiting = Waiting(seq, decoded(payload), came_at)
            if self.is_shared:
                self._taken.keep(seq, (payload, waiting), len(payload))
        return waiting if reason is None else replace(waiting, reason=reason, excepted=True)

    def words(self, call_ids: Sequence[str], room: int = _ANY) -> tuple[Mapping[str, Content], str | None]:
        """Return the words of these calls as far as they are there, and the call at which `room` bytes were used up."""
        with self._store.reading() as connection:
            return contents.load(connection, call_ids, room, self._words if self.is_shared else None)

    def next_release(self, name: str) -> float | None:
        """Return until when the next record waits for its cost or its words, in Unix seconds; `None` when none does."""
        with self._store.reading() as connection:
            (until,) = connection.execute(_NEXT_RELEASE, {"name": name, "now": time.time()}).fetchone()
        return None if until is None else float(until)

    def hold(self, name: str) -> Hold | None:
        """Return until when a destination is to be left alone, or `None`."""
        with self._store.reading() as connection:
            row = connection.execute(_HOLD, (name,)).fetchone()
        if row is None or row["not_before"] is None:
            return None
        return Hold(row["not_before"], bool(row["asked"]), row["held_for"], row["failures"])

    def ack(self, name: str, ack: Ack) -> None:
        """Enter what became of a batch: records, counters, cursor and state change together.

        A record that was let go of meanwhile was counted then, and is not again.
        """
        with self._store.transaction() as connection:
            destination(connection, name)
            ack = late_costs.first_version_stands(connection, name, _still_waiting(connection, name, ack))
            decided = [*ack.delivered, *ack.skipped, *ack.expired]
            connection.execute(_SETTLE, (name, json.dumps(decided)))
            for state, reasons in (("waiting", ack.waiting), ("dead", ack.dead)):
                free = [(name, seq, state, reason, None, 0.0) for seq, reason in reasons.items()]
                connection.executemany(_EXCEPT, free)
            now = time.time()
            held = [(name, seq, "waiting", held.reason, held.until, held.until - now) for seq, held in ack.held.items()]
            connection.executemany(_EXCEPT, held)
            tally(connection, name, "delivered", {"": len(ack.delivered)})
            tally(connection, name, "late", ack.notes)
            for kind, reasons in (("skipped", ack.skipped), ("expired", ack.expired), ("dead", ack.dead)):
                tally(connection, name, kind, Counter(reasons.values()))
            late_costs.keep_open(connection, name, ack.opened)
            delivered_at = time.time_ns() if ack.delivered else None
            connection.execute(_MOVE, (ack.cursor, delivered_at, name))
            if ack.state is not None:
                hold = ack.hold or Hold(0.0)
                until = None if ack.hold is None else hold.until
                stand = (ack.state, ack.reason, until, hold.asked, hold.length, hold.failures, name)
                connection.execute(_STAND, stand)

    def undecided(self, writer: str, names: Sequence[str]) -> int:
        """Return how many deliveries of the records of `writer` (the first part of a segment's name) are still open."""
        with self._store.reading() as connection:
            return sum(connection.execute(_UNDECIDED, {"name": name, "writer": writer}).fetchone()[0] for name in names)

    def dead(self, writer: str, names: Sequence[str]) -> int:
        """Return how many deliveries of the records of `writer` have failed for good."""
        with self._store.reading() as connection:
            return sum(connection.execute(_DEAD, {"name": name, "writer": writer}).fetchone()[0] for name in names)

    def standings(self) -> tuple[Standing, ...]:
        """Return how every destination stands that was ever configured or named, by name."""
        with self._store.reading() as connection:
            rows = connection.execute("SELECT * FROM destination ORDER BY name").fetchall()
            return tuple(standing(connection, row) for row in rows)


# `+` keeps SQLite from walking the routes one by one, which would sort all that waits before the limit applies.
_BEHIND_CURSOR = """
    SELECT record.seq, payload, came_at, NULL AS reason FROM record
    WHERE record.seq > (SELECT cursor FROM destination WHERE name = ?)
    AND +route IN (SELECT route FROM routed WHERE destination = ?) ORDER BY record.seq LIMIT ?
"""
# A wait that seems to begin in the future was begun before a clock was set back, and is over.
_HELD = ":now BETWEEN coalesce(not_before - held_for - 1, 1e18) AND coalesce(not_before, 0)"
_EXCEPTIONS_WAITING = f"""
    SELECT record.seq, payload, came_at, reason FROM exception JOIN record USING (seq)
    WHERE destination = :name AND state = 'waiting' AND NOT {_HELD} ORDER BY exception.seq LIMIT :limit
"""  # noqa: S608 - text from here
_NEXT_RELEASE = f"""
    SELECT min(CASE WHEN {_HELD} THEN not_before ELSE :now END) FROM exception
    WHERE destination = :name AND state = 'waiting' AND not_before IS NOT NULL
"""  # noqa: S608 - text from here
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
_HOLD = "SELECT not_before, asked, held_for, failures FROM destination WHERE name = ?"
_STAND = """
    UPDATE destination SET state = ?, reason = ?, not_before = ?, asked = ?, held_for = ?, failures = ? WHERE name = ?
"""
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


def _still_waiting(connection: Connection, name: str, ack: Ack) -> Ack:
    """Return the ack without the records that the destination does not wait for any more."""
    named = {*ack.delivered, *ack.skipped, *ack.expired, *ack.dead, *ack.waiting, *ack.held, *ack.opened}
    waits = {row["seq"] for row in connection.execute(_WAITS, {"name": name, "seqs": json.dumps([*named])})}
    return ack if waits == named else ack.without(named - waits)
