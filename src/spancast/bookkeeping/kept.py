"""Of which days the single calls are kept: of all, until the owner of a ledger prunes it. The sums outlive them."""

from collections.abc import Iterable
from datetime import date
from sqlite3 import Connection

from spancast.bookkeeping.rollups import DAY, date_of


def kept_since(connection: Connection) -> int | None:
    """Return the first day, since 1970, of which every single call is kept; `None` where none was ever pruned."""
    row = connection.execute("SELECT max(since_day) FROM kept").fetchone()
    return None if row is None else row[0]


def complete_since(connection: Connection, read: Iterable[tuple[int, int]]) -> date | None:
    """Return from which day on an answer is whole, that reads single calls of these stretches of Unix nanoseconds.

    `None` where it is whole: no call was made then that is not there any more.
    """
    since = kept_since(connection)
    if since is None:
        return None
    for first, end in read:
        days = first // DAY, min(-(-end // DAY), since)
        if days[0] < days[1] and connection.execute(_ANY, days).fetchone():
            return date_of(since)
    return None


_ANY = "SELECT 1 FROM kinds_daily WHERE day >= ? AND day < ? LIMIT 1"
