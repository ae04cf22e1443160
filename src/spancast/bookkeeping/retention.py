"""Which days still have all their single calls: all days, until a ledger is pruned. The sums are never pruned."""

from collections.abc import Iterable
from datetime import date
from sqlite3 import Connection

from spancast.bookkeeping.rollups import DAY, date_of


def retained_since(connection: Connection) -> int | None:
    """Return the first day, since 1970, that has all its single calls; `None` where none was ever pruned."""
    row = connection.execute("SELECT max(since_day) FROM kept").fetchone()
    return None if row is None else row[0]


def complete_since(connection: Connection, read: Iterable[tuple[int, int]]) -> date | None:
    """Return the first day for which an answer from the single calls in these ranges of Unix nanoseconds is complete.

    `None` where all of it is complete, since no call in these ranges was pruned.
    """
    since = retained_since(connection)
    if since is None:
        return None
    for first, end in read:
        days = first // DAY, min(-(-end // DAY), since)
        if days[0] < days[1] and connection.execute(_ANY, days).fetchone():
            return date_of(since)
    return None


_ANY = "SELECT 1 FROM kinds_daily WHERE day >= ? AND day < ? LIMIT 1"
