"""Records that enter the outbox: each once; a finished call replaces its killed version."""

import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from sqlite3 import Connection

from spancast.delivery.outbox.payload import encoded
from spancast.records.call import Call
from spancast.records.late import JOBS
from spancast.records.record import SpanRecord


def take(connection: Connection, writer: str, records: Sequence[SpanRecord]) -> Counter[str]:
    """Enter the new records of a writer; return how many of them name each destination."""
    entered = _entered(connection, records)
    routes: dict[tuple[str, ...], int] = {}
    captured: Counter[str] = Counter()
    new, again = [], []
    for sent in records:
        if sent.call_id in entered:
            again.append(sent)
            continue
        entered.add(sent.call_id)
        if sent.destinations not in routes:
            routes[sent.destinations] = _route(connection, writer, sent.destinations)
        captured.update(set(sent.destinations))
        new.append((sent, routes[sent.destinations]))
    _insert(connection, new)
    _correct(connection, again)
    return captured


def destination(connection: Connection, name: str) -> None:
    """Create the row of a destination if there is none; its cursor starts at the newest record, as none names it."""
    connection.execute(
        "INSERT OR IGNORE INTO destination (name, cursor) SELECT ?, coalesce(max(seq), 0) FROM record", (name,)
    )


def _entered(connection: Connection, records: Iterable[SpanRecord]) -> set[str]:
    """Return the ids of the records that the outbox has already."""
    return {row[0] for row in connection.execute(_ENTERED, (json.dumps([sent.call_id for sent in records]),))}


def _route(connection: Connection, writer: str, destinations: tuple[str, ...]) -> int:
    """Return the id of the route from a writer to these destinations; create it, and the destinations, if need be."""
    key = (writer, json.dumps(destinations))
    found = connection.execute("SELECT id FROM route WHERE writer = ? AND destinations = ?", key).fetchone()
    if found:
        return int(found["id"])
    made = connection.execute("INSERT INTO route (writer, destinations) VALUES (?, ?)", key).lastrowid
    assert made is not None
    for name in destinations:
        destination(connection, name)
        connection.execute("INSERT OR IGNORE INTO routed VALUES (?, ?)", (name, made))
    return made


def _insert(connection: Connection, records: Iterable[tuple[SpanRecord, int]]) -> None:
    """Insert records with their routes, in order."""
    now = time.time()
    # `sqlite3` is quick with neither `None` nor `bytes` nor `bool`: see `bookkeeping.rows`.
    for is_job, rows in groupby(_rows(records, now), lambda row: len(row) > len(_COLUMNS)):
        connection.executemany(_INSERT_JOB if is_job else _INSERT, rows)


def _rows(records: Iterable[tuple[SpanRecord, int]], now: float) -> Iterator[tuple[object, ...]]:
    for sent, route in records:
        call = sent if isinstance(sent, Call) else None
        killed = 1 if call is not None and call.outcome == "killed" else 0
        row = sent.call_id, route, sent.started_at, killed, bytearray(encoded(sent)), now
        job = None if call is None else _job(call)
        yield row if job is None else (*row, job)


def _correct(connection: Connection, records: Iterable[SpanRecord]) -> None:
    """Replace the killed versions of calls that finished after all, if a destination still waits for them."""
    for call in records:
        if isinstance(call, Call) and call.outcome != "killed":
            row = connection.execute(_KILLED, (call.call_id,)).fetchone()
            if row and connection.execute(_OPEN_FOR_SOMEONE, {"seq": row["seq"], "route": row["route"]}).fetchone():
                connection.execute(_CORRECT, (encoded(call), _job(call), row["seq"]))


def _job(call: Call) -> str | None:
    """Return the id of the job that the call started, if any."""
    return call.response_id if call.operation in JOBS else None


_COLUMNS = ("call_id", "route", "started_at", "killed", "payload", "came_at")
_ENTERED = "SELECT call_id FROM record WHERE call_id IN (SELECT value FROM json_each(?))"
_INSERT = f"INSERT INTO record ({', '.join(_COLUMNS)}) VALUES (?, ?, ?, ?, ?, ?)"  # noqa: S608 - names
_INSERT_JOB = f"INSERT INTO record ({', '.join(_COLUMNS)}, job) VALUES (?, ?, ?, ?, ?, ?, ?)"  # noqa: S608 - names
_KILLED = "SELECT seq, route FROM record WHERE call_id = ? AND killed"
_CORRECT = "UPDATE record SET payload = ?, job = ?, killed = 0 WHERE seq = ?"
_OPEN_FOR_SOMEONE = """
    SELECT 1 FROM routed JOIN destination ON name = routed.destination
    LEFT JOIN exception ON exception.destination = name AND exception.seq = :seq AND exception.state = 'waiting'
    WHERE route = :route AND (:seq > cursor OR exception.seq IS NOT NULL) LIMIT 1
"""
