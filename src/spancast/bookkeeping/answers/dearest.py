"""The users who spent most, found without looking at all of them.

What a user spent in any stretch of time is at most what the months spent that it touches. So users are looked at in the
order of those months' sums, from the top, until none that is left can be among the first (Fagin's threshold algorithm).
It holds since the sums have no cost below zero: calls with one stand outside them.
"""

from sqlite3 import Connection

from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.grounded import Grounded, grounded
from spancast.bookkeeping.answers.sources import Span, months_of, of_users, outsize
from spancast.bookkeeping.rollups import NOBODY


def is_by_users_alone(chosen: Filter) -> bool:
    """Return whether the filter asks for nothing but a time."""
    return Filter(since=chosen.since, until=chosen.until) == chosen


def dearest(connection: Connection, chosen: Filter, count: int) -> Grounded:
    """Return the sums of at least the `count` users who spent most, where there are as many."""
    asked = 4 * count
    while True:
        users, most, is_all = _candidates(connection, chosen, asked)
        found = grounded(connection, ["user"], of_users(sorted(users), chosen), chosen)
        amounts = sorted((sums["picos"] for sums in found.values()), reverse=True)
        if is_all or (len(amounts) >= count and amounts[count - 1] > most):
            return found
        asked *= 4


def _candidates(connection: Connection, chosen: Filter, asked: int) -> tuple[set[int], int, bool]:
    """Return the first users of each month, what any other can have spent at most, and whether there is no other."""
    query = outsize(["user"], chosen)
    users = {row[0] or NOBODY for row in connection.execute(query.sql, query.parameters)}
    users |= {row[0] for row in connection.execute("SELECT user FROM users_monthly WHERE carry <> 0")}
    most, is_all = 0, True
    for month in range(*_known(connection, months_of(chosen))):
        rows = connection.execute(_FIRST, (month, asked)).fetchall()
        users |= {user for user, _ in rows}
        if len(rows) == asked:
            most, is_all = most + rows[-1][1], False
    return users, most, is_all


def _known(connection: Connection, months: Span) -> tuple[int, int]:
    """Return the months of which there are calls."""
    first, last = connection.execute("SELECT min(month), max(month) FROM users_monthly").fetchone()
    return (0, 0) if first is None else (max(months.since, first), min(months.until, last + 1))


_FIRST = "SELECT user, cost FROM users_monthly WHERE month = ? ORDER BY cost DESC LIMIT ?"
