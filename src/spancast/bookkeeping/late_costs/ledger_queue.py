"""Cost lookups for the calls in the ledger, with one key for all of them.

The tries are counted in `ledger.db`, so that they outlive the process.
"""

import time
from collections.abc import Mapping, Sequence

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping import openrouter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.cost_lookup import FIRST_TRY_SECONDS, CostLookup

OLDEST_SECONDS = 7 * 24 * 3600
"""The age from which on a call's cost is not looked up any more."""
SETTLING_SECONDS = 600.0
"""How long a cost that was found may take to reach the ledger."""


class LedgerQueue:
    """A `LookupQueue` of all calls of a home directory."""

    def __init__(self, book: Book, key: str) -> None:
        self._book = book
        self._key = key
        self._key_refused = False

    def due(self, limit: int) -> Sequence[CostLookup]:
        """Return up to `limit` lookups that are due, those of the newest calls first; none once the key is refused."""
        if self._key_refused:
            return []
        now = time.time_ns()
        values = _times(now) | {"now": now, "limit": limit}
        with self._book.reading() as connection:
            rows = connection.execute(_DUE, values).fetchall()
        return [
            CostLookup(
                row["call_id"],
                row["generation_id"],
                openrouter.server(row["server_address"], row["server_port"]),
                self._key,
                row["misses"] or 0,
            )
            for row in rows
        ]

    def next_due(self) -> float | None:
        """Return the seconds until the next lookup is due; `None` where there is none."""
        if self._key_refused:
            return None
        now = time.time_ns()
        with self._book.reading() as connection:
            (due,) = connection.execute(_NEXT, _times(now)).fetchone()
        return None if due is None else max(0.0, (due - now) / NS_PER_SECOND)

    def resolve(self, lookup: CostLookup) -> None:
        """Wait until the cost reaches the ledger, which then forgets the tries."""
        self.retry_later(lookup, SETTLING_SECONDS)

    def retry_later(self, lookup: CostLookup, seconds: float) -> None:
        """Make the lookup due again in `seconds`, and store its misses."""
        next_at = time.time_ns() + round(seconds * NS_PER_SECOND)
        with self._book.writing() as connection:
            connection.execute(_RETRY_LATER, (lookup.call_id, lookup.misses, next_at))

    def give_up(self, lookup: CostLookup, why: str) -> None:
        """Note that the cost cannot be found, and why."""
        give_up(self._book, lookup, why)

    def refuse_key(self, lookup: CostLookup) -> None:  # noqa: ARG002 - there is one key for all
        """Leave the lookups to a process that has another key."""
        self._key_refused = True


def give_up(book: Book, lookup: CostLookup, why: str) -> None:
    """Note that a cost is not looked up any more, and why."""
    with book.writing() as connection:
        connection.execute(_GIVE_UP, (lookup.call_id, lookup.misses, time.time_ns(), why))


def pending_count(book: Book) -> int:
    """Return how many calls have a cost that can be looked up."""
    with book.reading() as connection:
        return int(connection.execute(f"SELECT count(*) {_PENDING}", _times(time.time_ns())).fetchone()[0])


def given_up_counts(book: Book) -> Mapping[str, int]:
    """Return how many lookups were given up, by reason."""
    with book.reading() as connection:
        rows = connection.execute(_GIVEN_UP).fetchall()
    return {row["given_up"]: row["count"] for row in rows}


def _times(now: int) -> dict[str, int]:
    return {"oldest": now - OLDEST_SECONDS * NS_PER_SECOND, "first": round(FIRST_TRY_SECONDS * NS_PER_SECOND)}


_NEXT_AT = "coalesce(next_at, started_at + coalesce(duration, 0) + :first)"
_PENDING = """
    FROM calls LEFT JOIN lookups USING (call_id)
    WHERE awaits_cost AND started_at > :oldest AND generation_id IS NOT NULL
    AND operation NOT IN ('video', 'batch') AND coalesce(http_status, 0) < 400 AND given_up IS NULL
"""
_DUE = f"""
    SELECT call_id, generation_id, server_address, server_port, misses {_PENDING}
    AND {_NEXT_AT} <= :now ORDER BY started_at DESC LIMIT :limit
"""
_NEXT = f"SELECT min({_NEXT_AT}) {_PENDING}"
_RETRY_LATER = """
    INSERT INTO lookups VALUES (?, ?, ?, NULL)
    ON CONFLICT DO UPDATE SET misses = excluded.misses, next_at = excluded.next_at
"""
_GIVE_UP = """
    INSERT INTO lookups VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET misses = excluded.misses, given_up = excluded.given_up
"""
_GIVEN_UP = "SELECT given_up, count(*) AS count FROM lookups WHERE given_up IS NOT NULL GROUP BY given_up"
