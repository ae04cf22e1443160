"""The outbox: what was captured, and how far each destination has got with it (`outbox.db`).

A destination has a cursor over the records that name it; a record that does not move with the cursor is an exception:
it waits or is dead, with a reason. `captured = delivered + waiting + dead + expired + shed + skipped` holds for every
destination at every instant: the counters change in the transaction that decides the records, and `waiting` is never
stored but counted from the records themselves.

A record names the destinations that were configured where it was made, so a new destination starts at now.
"""

import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from sqlite3 import Connection
from typing import Literal

import msgspec

from spancast.call import Call
from spancast.record import Record
from spancast.store import Store

State = Literal["ready", "retrying", "parked", "unconfigured"]
"""`ready`: nothing is known against it. `retrying`: it failed, and is tried again. `parked`: its credential is wrong.
`unconfigured`: it lacks a credential or has a setting that cannot work."""

MIGRATIONS = (
    """
    CREATE TABLE segment (name TEXT PRIMARY KEY, end INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE route (
        id INTEGER PRIMARY KEY, writer TEXT NOT NULL, destinations TEXT NOT NULL, UNIQUE (writer, destinations)
    );
    CREATE TABLE routed (
        destination TEXT NOT NULL, route INTEGER NOT NULL REFERENCES route, PRIMARY KEY (destination, route)
    ) WITHOUT ROWID;
    CREATE TABLE record (
        seq INTEGER PRIMARY KEY AUTOINCREMENT, call_id TEXT NOT NULL UNIQUE, route INTEGER NOT NULL REFERENCES route,
        started_at INTEGER NOT NULL, killed INTEGER NOT NULL, payload BLOB NOT NULL
    );
    CREATE INDEX record_route ON record (route, seq);
    CREATE TABLE destination (
        name TEXT PRIMARY KEY, exporter TEXT NOT NULL DEFAULT '', endpoint TEXT, cursor INTEGER NOT NULL,
        state TEXT NOT NULL DEFAULT 'ready', reason TEXT, not_before REAL, asked INTEGER NOT NULL DEFAULT 0,
        last_delivered_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE tally (
        destination TEXT NOT NULL REFERENCES destination, kind TEXT NOT NULL, reason TEXT NOT NULL,
        count INTEGER NOT NULL, PRIMARY KEY (destination, kind, reason)
    ) WITHOUT ROWID;
    CREATE TABLE exception (
        destination TEXT NOT NULL REFERENCES destination, seq INTEGER NOT NULL REFERENCES record,
        state TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (destination, seq)
    ) WITHOUT ROWID;
    CREATE INDEX exception_waiting ON exception (destination, seq) WHERE state = 'waiting';
    """,
)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A record that a destination has not decided yet."""

    seq: int
    call: Call | None
    """`None` when the record cannot be read."""
    reason: str | None = None
    """Why it waits, when it was tried before."""


@dataclass(frozen=True, slots=True)
class Hold:
    """A time before which a destination is left alone."""

    until: float
    """Unix time in seconds."""
    asked: bool = False
    """Whether the platform asked for it (`Retry-After`); no process may try sooner then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """What became of a batch. Reasons are by `seq`; records that are in none of these keep waiting as they did."""

    cursor: int = 0
    """Every record up to here is decided, or waits as an exception; the cursor never moves back."""
    delivered: Sequence[int] = ()
    skipped: Mapping[int, str] = field(default_factory=dict)
    expired: Mapping[int, str] = field(default_factory=dict)
    dead: Mapping[int, str] = field(default_factory=dict)
    waiting: Mapping[int, str] = field(default_factory=dict)
    state: State | None = None
    """The state that the destination is in now; `None` when that is not touched, nor its reason and hold."""
    reason: str | None = None
    """Why the destination is in that state."""
    hold: Hold | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a destination stands. The counts are of records."""

    name: str
    exporter: str
    endpoint: str | None
    state: State
    reason: str | None
    """Why it is in that state."""
    captured: int
    delivered: int
    waiting: int
    dead: int
    expired: int
    shed: int
    skipped: int
    lag_s: float
    """Seconds since the oldest waiting call was made; 0.0 when none waits."""
    last_delivered_at: int | None
    """Unix time in nanoseconds."""
    reasons: Mapping[str, int]
    """How many records wait or were not delivered, by reason."""


class Outbox:
    """The records of one home directory. Every method may be called from any thread and any process."""

    def __init__(self, home: Path) -> None:
        self._store = Store(home / "outbox.db", MIGRATIONS)

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
        booked when its writer seemed dead, as long as some destination still waits for it.
        """
        writer = segment.rpartition("-")[0] or segment
        with self._store.transaction() as connection:
            connection.execute("INSERT OR REPLACE INTO segment VALUES (?, ?)", (segment, end))
            captured: Counter[str] = Counter()
            routes: dict[tuple[str, ...], int] = {}
            for call in records:
                if not isinstance(call, Call) or call.outcome is None:
                    continue
                if call.destinations not in routes:
                    routes[call.destinations] = _route(connection, writer, call.destinations)
                if _insert(connection, routes[call.destinations], call):
                    captured.update(set(call.destinations))
            for name, count in captured.items():
                _tally(connection, name, "captured", {"": count})

    def forget(self, segment: str) -> None:
        """Drop the offset of a segment that is gone."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM segment WHERE name = ?", (segment,))

    def register(self, name: str, exporter: str, endpoint: str | None) -> None:
        """Note what a destination is; one that no record names yet starts at now."""
        with self._store.transaction() as connection:
            _destination(connection, name)
            connection.execute(
                "UPDATE destination SET exporter = ?, endpoint = ? WHERE name = ?", (exporter, endpoint, name)
            )
            connection.execute(
                "UPDATE destination SET state = 'ready', reason = NULL WHERE name = ? AND state = 'unconfigured'",
                (name,),
            )

    def take(self, name: str, limit: int) -> tuple[Waiting, ...]:
        """Return up to `limit` records that wait for a destination: exceptions first, each kind oldest first."""
        with self._store.reading() as connection:
            rows = connection.execute(_EXCEPTIONS_WAITING, (name, limit)).fetchall()
            rows += connection.execute(_BEHIND_CURSOR, (name, name, limit - len(rows))).fetchall()
        return tuple(Waiting(row["seq"], _decoded(row["payload"]), row["reason"]) for row in rows)

    def hold(self, name: str) -> Hold | None:
        """Return until when a destination is to be left alone, or `None`."""
        with self._store.reading() as connection:
            row = connection.execute("SELECT not_before, asked FROM destination WHERE name = ?", (name,)).fetchone()
        return Hold(row["not_before"], bool(row["asked"])) if row and row["not_before"] is not None else None

    def ack(self, name: str, ack: Ack) -> None:
        """Enter what became of a batch: records, counters, cursor and state change together."""
        with self._store.transaction() as connection:
            _destination(connection, name)
            decided = [*ack.delivered, *ack.skipped, *ack.expired]
            connection.executemany(
                "DELETE FROM exception WHERE destination = ? AND seq = ?", [(name, seq) for seq in decided]
            )
            for state, reasons in (("waiting", ack.waiting), ("dead", ack.dead)):
                connection.executemany(_EXCEPT, [(name, seq, state, reason) for seq, reason in reasons.items()])
            _tally(connection, name, "delivered", {"": len(ack.delivered)})
            for kind, reasons in (("skipped", ack.skipped), ("expired", ack.expired), ("dead", ack.dead)):
                _tally(connection, name, kind, Counter(reasons.values()))
            delivered_at = time.time_ns() if ack.delivered else None
            connection.execute(_MOVE, (ack.cursor, delivered_at, name))
            if ack.state is not None:
                until, asked = (ack.hold.until, ack.hold.asked) if ack.hold else (None, False)
                connection.execute(_STAND, (ack.state, ack.reason, until, asked, name))

    def undecided(self, writer: str, names: Sequence[str]) -> int:
        """Return how many deliveries of the records of `writer` (the first part of a segment's name) are still open."""
        with self._store.reading() as connection:
            return sum(connection.execute(_UNDECIDED, {"name": name, "writer": writer}).fetchone()[0] for name in names)

    def standings(self) -> tuple[Standing, ...]:
        """Return how every destination stands that was ever configured or named, by name."""
        with self._store.reading() as connection:
            rows = connection.execute("SELECT * FROM destination ORDER BY name").fetchall()
            return tuple(_standing(connection, row) for row in rows)


_encode = msgspec.msgpack.Encoder().encode
_decoder = msgspec.msgpack.Decoder(Call)

# `+` keeps SQLite from walking the routes one by one, which would sort all that waits before the limit applies.
_BEHIND_CURSOR = """
    SELECT record.seq, payload, NULL AS reason FROM record
    WHERE record.seq > (SELECT cursor FROM destination WHERE name = ?)
    AND +route IN (SELECT route FROM routed WHERE destination = ?) ORDER BY record.seq LIMIT ?
"""
_EXCEPTIONS_WAITING = """
    SELECT record.seq, payload, reason FROM exception JOIN record USING (seq)
    WHERE destination = ? AND state = 'waiting' ORDER BY exception.seq LIMIT ?
"""
_EXCEPT = """
    INSERT INTO exception VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET state = excluded.state, reason = excluded.reason
"""
_MOVE = """
    UPDATE destination SET cursor = max(cursor, ?), last_delivered_at = coalesce(?, last_delivered_at) WHERE name = ?
"""
_STAND = "UPDATE destination SET state = ?, reason = ?, not_before = ?, asked = ? WHERE name = ?"
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
_OPEN_FOR_SOMEONE = """
    SELECT 1 FROM routed JOIN destination ON name = routed.destination
    LEFT JOIN exception ON exception.destination = name AND exception.seq = :seq AND exception.state = 'waiting'
    WHERE route = :route AND (:seq > cursor OR exception.seq IS NOT NULL) LIMIT 1
"""
_WAITING = """
    SELECT count(*) AS count, min(seq) AS oldest FROM record
    WHERE seq > :cursor AND route IN (SELECT route FROM routed WHERE destination = :name)
"""


def _decoded(payload: bytes) -> Call | None:
    try:
        return _decoder.decode(payload)
    except msgspec.MsgspecError:
        return None


def _route(connection: Connection, writer: str, destinations: tuple[str, ...]) -> int:
    """Return the route of this writer to these destinations; each of them exists from now on."""
    key = (writer, json.dumps(destinations))
    found = connection.execute("SELECT id FROM route WHERE writer = ? AND destinations = ?", key).fetchone()
    if found:
        return int(found["id"])
    made = connection.execute("INSERT INTO route (writer, destinations) VALUES (?, ?)", key).lastrowid
    assert made is not None
    for name in destinations:
        _destination(connection, name)
        connection.execute("INSERT OR IGNORE INTO routed VALUES (?, ?)", (name, made))
    return made


def _destination(connection: Connection, name: str) -> None:
    """Make the row of a destination; no record before now names it, so its cursor need not cross them."""
    connection.execute(
        "INSERT OR IGNORE INTO destination (name, cursor) SELECT ?, coalesce(max(seq), 0) FROM record", (name,)
    )


def _insert(connection: Connection, route: int, call: Call) -> bool:
    """Enter the call; return whether it is new."""
    killed, payload = call.outcome == "killed", _encode(call)
    new = connection.execute(
        "INSERT OR IGNORE INTO record (call_id, route, started_at, killed, payload) VALUES (?, ?, ?, ?, ?)",
        (call.call_id, route, call.started_at, killed, payload),
    )
    if new.rowcount:
        return True
    if not killed:
        _correct(connection, call.call_id, payload)
    return False


def _correct(connection: Connection, call_id: str, payload: bytes) -> None:
    """Put a finished call in the place of its killed self."""
    row = connection.execute("SELECT seq, route FROM record WHERE call_id = ? AND killed", (call_id,)).fetchone()
    if row and connection.execute(_OPEN_FOR_SOMEONE, {"seq": row["seq"], "route": row["route"]}).fetchone():
        connection.execute("UPDATE record SET payload = ?, killed = 0 WHERE seq = ?", (payload, row["seq"]))


def _tally(connection: Connection, name: str, kind: str, counts: Mapping[str, int]) -> None:
    connection.executemany(
        "INSERT INTO tally VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET count = count + excluded.count",
        [(name, kind, reason, count) for reason, count in counts.items() if count],
    )


def _standing(connection: Connection, row: Mapping[str, object]) -> Standing:
    name, state = str(row["name"]), row["state"]
    counters: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    for tally in connection.execute("SELECT kind, reason, count FROM tally WHERE destination = ?", (name,)):
        counters[tally["kind"]] += tally["count"]
        if tally["reason"]:
            reasons[tally["reason"]] += tally["count"]
    ahead = connection.execute(_WAITING, {"cursor": row["cursor"], "name": name}).fetchone()
    exceptions: Counter[str] = Counter()
    for exception in connection.execute(
        "SELECT reason, count(*) AS count FROM exception WHERE destination = ? AND state = 'waiting' GROUP BY reason",
        (name,),
    ):
        exceptions[exception["reason"]] += exception["count"]
    waiting = ahead["count"] + exceptions.total()
    if state in ("parked", "unconfigured"):
        reasons[str(state)] += waiting
    else:
        reasons += exceptions
        reasons[str(row["reason"] or "")] += ahead["count"]
    return Standing(
        name=name,
        exporter=str(row["exporter"]),
        endpoint=row["endpoint"],  # type: ignore[arg-type]  # sqlite3 types no column
        state=state,  # type: ignore[arg-type]
        reason=row["reason"],  # type: ignore[arg-type]
        waiting=waiting,
        lag_s=_lag(connection, name, ahead["oldest"]),
        last_delivered_at=row["last_delivered_at"],  # type: ignore[arg-type]
        reasons={reason: count for reason, count in sorted(reasons.items()) if reason and count},
        **{kind: counters[kind] for kind in ("captured", "delivered", "dead", "expired", "shed", "skipped")},
    )


def _lag(connection: Connection, name: str, ahead: int | None) -> float:
    """Return the age in seconds of the oldest record that waits; `ahead` is the first behind the cursor."""
    (excepted,) = connection.execute(
        "SELECT min(seq) FROM exception WHERE destination = ? AND state = 'waiting'", (name,)
    ).fetchone()
    waiting = [seq for seq in (ahead, excepted) if seq is not None]
    if not waiting:
        return 0.0
    row = connection.execute("SELECT started_at FROM record WHERE seq = ?", (min(waiting),)).fetchone()
    return max(0.0, (time.time_ns() - int(row["started_at"])) / 1e9)
