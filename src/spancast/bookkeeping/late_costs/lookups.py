"""The calls in the ledger whose cost is to be asked for, and how often each was asked for in vain.

What is known of the tries is in `ledger.db`, so that it outlives the process, and one key serves the calls of all.
"""

import time
from collections.abc import Mapping, Sequence

from spancast.bookkeeping import openrouter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.wanted import FIRST, Wanted

OLDEST = 7 * 24 * 3600
"""Seconds; the cost of an older call is not asked for."""
SETTLING = 600.0
"""Seconds for which a cost that was found may be on its way into the ledger."""


class Lookups:
    """Asks with one key for the costs of all calls of a home directory."""

    def __init__(self, book: Book, key: str) -> None:
        self._book = book
        self._key = key
        self._refused = False

    def due(self, limit: int) -> Sequence[Wanted]:
        """Return the costs whose time has come, those of the newest calls first; none once the key was refused."""
        if self._refused:
            return []
        now = time.time_ns()
        values = _times(now) | {"now": now, "limit": limit}
        with self._book.reading() as connection:
            rows = connection.execute(_DUE, values).fetchall()
        return [
            Wanted(
                row["call_id"],
                row["generation_id"],
                openrouter.server(row["server_address"], row["server_port"]),
                self._key,
                row["misses"] or 0,
            )
            for row in rows
        ]

    def next_due(self) -> float | None:
        """Return the seconds until the next time comes; `None` when nothing is wanted."""
        if self._refused:
            return None
        now = time.time_ns()
        with self._book.reading() as connection:
            (due,) = connection.execute(_NEXT, _times(now)).fetchone()
        return None if due is None else max(0.0, (due - now) / 1e9)

    def found(self, wanted: Wanted) -> None:
        """Let a cost be that is on its way into the ledger, which forgets the tries when it has it."""
        self.later(wanted, SETTLING)

    def later(self, wanted: Wanted, seconds: float) -> None:
        """Ask again in so many seconds; `wanted` says how often it was in vain."""
        next_at = time.time_ns() + round(seconds * 1e9)
        with self._book.writing() as connection:
            connection.execute(_LATER, (wanted.call_id, wanted.misses, next_at))

    def given_up(self, wanted: Wanted, why: str) -> None:
        """Ask no more."""
        give_up(self._book, wanted, why)

    def refused(self, wanted: Wanted) -> None:  # noqa: ARG002 - there is one key for all
        """Leave the costs to a process that has another key."""
        self._refused = True


def give_up(book: Book, wanted: Wanted, why: str) -> None:
    """Note that a cost is not asked for any more, and why."""
    with book.writing() as connection:
        connection.execute(_GIVE_UP, (wanted.call_id, wanted.misses, time.time_ns(), why))


def unasked(book: Book) -> int:
    """Return how many calls there are whose cost could be asked for."""
    with book.reading() as connection:
        return int(connection.execute(f"SELECT count(*) {_WANTED}", _times(time.time_ns())).fetchone()[0])


def tried(book: Book) -> Mapping[str, int]:
    """Return how many costs were given up, by reason."""
    with book.reading() as connection:
        rows = connection.execute(_GIVEN_UP).fetchall()
    return {row["given_up"]: row["count"] for row in rows}


def _times(now: int) -> dict[str, int]:
    return {"oldest": now - OLDEST * 10**9, "first": round(FIRST * 1e9)}


_NEXT_AT = "coalesce(next_at, started_at + coalesce(duration, 0) + :first)"
_WANTED = """
    FROM calls LEFT JOIN lookups USING (call_id)
    WHERE awaits_cost AND started_at > :oldest AND generation_id IS NOT NULL
    AND operation NOT IN ('video', 'batch') AND coalesce(http_status, 0) < 400 AND given_up IS NULL
"""
_DUE = f"""
    SELECT call_id, generation_id, server_address, server_port, misses {_WANTED}
    AND {_NEXT_AT} <= :now ORDER BY started_at DESC LIMIT :limit
"""
_NEXT = f"SELECT min({_NEXT_AT}) {_WANTED}"
_LATER = """
    INSERT INTO lookups VALUES (?, ?, ?, NULL)
    ON CONFLICT DO UPDATE SET misses = excluded.misses, next_at = excluded.next_at
"""
_GIVE_UP = """
    INSERT INTO lookups VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET misses = excluded.misses, given_up = excluded.given_up
"""
_GIVEN_UP = "SELECT given_up, count(*) AS count FROM lookups WHERE given_up IS NOT NULL GROUP BY given_up"
