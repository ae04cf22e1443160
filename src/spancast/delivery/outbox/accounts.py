"""The accounts of each destination: counters of settled records, and the records that wait.

`captured = delivered + waiting + dead + expired + shed + skipped` always holds: the counters change in the transaction
that settles the records, and `waiting` is not stored but counted from the records.
"""

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from sqlite3 import Connection
from types import MappingProxyType
from typing import Literal

from spancast.base.money import column, dollars
from spancast.base.units import NS_PER_SECOND

State = Literal["ready", "retrying", "parked", "unconfigured"]
"""`ready`: no failure is known. `retrying`: it failed, and is tried again. `parked`: the platform refuses its
credential. `unconfigured`: it lacks a credential, or has a setting that cannot work."""


NOTE = "late"
"""The tally's kind for what else happened to records that another kind counts. The stored word is "late" because the
first notes were about late costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """The state and the counters of a destination. All counts are of records."""

    name: str
    exporter: str
    endpoint: str | None
    state: State
    reason: str | None
    """Why it is in that state; if it is `ready`, the platform's message about a request that it accepted in part."""
    captured: int
    delivered: int
    waiting: int
    dead: int
    expired: int
    shed: int
    skipped: int
    shed_usd: Decimal
    """US dollars of the calls that were shed; all of them are in the ledger."""
    lag_s: float
    """Age of the oldest waiting call, in seconds; 0.0 if none waits."""
    last_delivered_at: int | None
    """Unix time in nanoseconds."""
    reasons: Mapping[str, int]
    """Records that wait or were not delivered, by reason; and notes on delivered ones."""
    waits: Mapping[str, int] = field(default_factory=dict)
    """Waiting records that were tried before, or wait for a cost or content, by reason."""


def tally(
    connection: Connection,
    name: str,
    kind: str,
    counts: Mapping[str, int],
    dollars: Mapping[str, Decimal] = MappingProxyType({}),
) -> None:
    """Add to the counters of one kind, by reason, with the US dollars of the calls.

    All kinds but `NOTE` count records. A note counts what else happened to them: a late cost, missing content.
    """
    connection.executemany(
        _ADD,
        [(name, kind, reason, count, column(dollars.get(reason)) or 0) for reason, count in counts.items() if count],
    )


_ADD = """
    INSERT INTO tally (destination, kind, reason, count, picodollars) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET count = count + excluded.count, picodollars = picodollars + excluded.picodollars
"""


def standing(connection: Connection, row: Mapping[str, object]) -> Standing:
    """Return the standing of the destination in a row."""
    name, state = str(row["name"]), row["state"]
    counters: Counter[str] = Counter()
    reasons: Counter[str] = Counter()
    shed = 0
    for each in connection.execute("SELECT * FROM tally WHERE destination = ?", (name,)):
        counters[each["kind"]] += each["count"]
        shed += each["picodollars"] if each["kind"] == "shed" else 0
        if each["reason"]:
            reasons[each["reason"]] += each["count"]
    ahead = connection.execute(_WAITING, {"cursor": row["cursor"], "name": name}).fetchone()
    exceptions: Counter[str] = Counter()
    for exception in connection.execute(_EXCEPTED, (name,)):
        exceptions[exception["reason"]] += exception["count"]
    waiting = ahead["count"] + exceptions.total()
    if state in ("parked", "unconfigured"):
        reasons[str(state)] += waiting
    else:
        reasons += exceptions
        reasons[str(row["reason"] or "") if state == "retrying" else ""] += ahead["count"]
    return Standing(
        name=name,
        exporter=str(row["exporter"]),
        endpoint=row["endpoint"],  # type: ignore[arg-type]  # sqlite3 types no column
        state=state,  # type: ignore[arg-type]  # the column holds nothing else
        reason=row["reason"],  # type: ignore[arg-type]  # of a row of mixed kinds
        waiting=waiting,
        shed_usd=dollars(shed),
        lag_s=_lag(connection, name, ahead["oldest"]),
        last_delivered_at=row["last_delivered_at"],  # type: ignore[arg-type]  # see above
        reasons={reason: count for reason, count in sorted(reasons.items()) if reason and count},
        waits=exceptions,
        **{kind: counters[kind] for kind in ("captured", "delivered", "dead", "expired", "shed", "skipped")},
    )


_WAITING = """
    SELECT count(*) AS count, min(seq) AS oldest FROM record
    WHERE seq > :cursor AND route IN (SELECT route FROM routed WHERE destination = :name)
"""
_EXCEPTED = """
    SELECT reason, count(*) AS count FROM exception WHERE destination = ? AND state = 'waiting' GROUP BY reason
"""


def _lag(connection: Connection, name: str, ahead: int | None) -> float:
    """Return the age in seconds of the oldest waiting record; `ahead` is the first that the cursor has not passed."""
    (excepted,) = connection.execute(
        "SELECT min(seq) FROM exception WHERE destination = ? AND state = 'waiting'", (name,)
    ).fetchone()
    waiting = [seq for seq in (ahead, excepted) if seq is not None]
    if not waiting:
        return 0.0
    row = connection.execute("SELECT started_at FROM record WHERE seq = ?", (min(waiting),)).fetchone()
    return max(0.0, (time.time_ns() - int(row["started_at"])) / NS_PER_SECOND)
