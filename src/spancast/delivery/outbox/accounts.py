"""How a destination stands: the counters of what was decided, and the records that wait.

`captured = delivered + waiting + dead + expired + shed + skipped` holds at every instant: the counters change in the
transaction that decides the records, and `waiting` is never stored but counted from the records themselves.
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

State = Literal["ready", "retrying", "parked", "unconfigured"]
"""`ready`: nothing is known against it. `retrying`: it failed, and is tried again. `parked`: its credential is wrong.
`unconfigured`: it lacks a credential or has a setting that cannot work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a destination stands. The counts are of records."""

    name: str
    exporter: str
    endpoint: str | None
    state: State
    reason: str | None
    """Why it is in that state; of one that is ready, what the platform said of spans that it took in part just now."""
    captured: int
    delivered: int
    waiting: int
    dead: int
    expired: int
    shed: int
    skipped: int
    shed_usd: Decimal
    """US dollars of the calls that were shed; each is in the ledger."""
    lag_s: float
    """Seconds since the oldest waiting call was made; 0.0 when none waits."""
    last_delivered_at: int | None
    """Unix time in nanoseconds."""
    reasons: Mapping[str, int]
    """How many records wait or were not delivered, by reason; and what else befell so many that were."""
    waits: Mapping[str, int] = field(default_factory=dict)
    """Of those that wait, how many were tried before or wait for something of their own, by reason."""


def tally(
    connection: Connection,
    name: str,
    kind: str,
    counts: Mapping[str, int],
    dollars: Mapping[str, Decimal] = MappingProxyType({}),
) -> None:
    """Add to the counters of one kind, by reason, with the US dollars of the calls; the kind `late` counts no records.

    It counts what befell records that are counted elsewhere: a cost that came late, words that are missing.
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
    """Return how the destination of a row stands."""
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
    """Return the age in seconds of the oldest record that waits; `ahead` is the first behind the cursor."""
    (excepted,) = connection.execute(
        "SELECT min(seq) FROM exception WHERE destination = ? AND state = 'waiting'", (name,)
    ).fetchone()
    waiting = [seq for seq in (ahead, excepted) if seq is not None]
    if not waiting:
        return 0.0
    row = connection.execute("SELECT started_at FROM record WHERE seq = ?", (min(waiting),)).fetchone()
    return max(0.0, (time.time_ns() - int(row["started_at"])) / 1e9)
