"""The users who spent most, found without looking at all of them.

What a user spent in any stretch of time is at most what the months spent that it touches. So users are looked at in the
order of those months' sums, from the top, until none that is left can be among the first (Fagin's threshold algorithm).
It holds since the sums have no cost below zero. Whatever else a cost is made of, calls that stand outside the sums and
adjustments, is looked at whole.
"""

from collections.abc import Mapping
from sqlite3 import Connection

import msgspec

from spancast.bookkeeping.answers.filter import Filter, named
from spancast.bookkeeping.answers.grounded import Grounded, collect, outsized
from spancast.bookkeeping.answers.sources import Span, months_of, of_users, queries, users_of
from spancast.bookkeeping.rollups import NOBODY
from spancast.bookkeeping.schema import CARRY

Beside = Mapping[int, int]
"""Pico-dollars by user that were noted beside the calls."""


def is_by_users_alone(chosen: Filter) -> bool:
    """Return whether the filter asks for nothing but a time."""
    return not named(chosen)


def dearest(connection: Connection, chosen: Filter, count: int, beside: Beside) -> Grounded:
    """Return the sums of at least the `count` users who spent most, where there are as many, and of nobody."""
    found = outsized(connection, ["user"], chosen)
    wanted = {key[0] or NOBODY for key in found} | {NOBODY, *beside} | _beyond(connection)
    months, asked, seen = _known(connection, months_of(chosen)), min(4 * count, _ALL), set[int]()
    while True:
        first, most, is_all = _first(connection, months, asked)
        wanted |= first
        for query in of_users(sorted(wanted - seen), chosen, months):
            collect(found, connection, 1, query)
        seen |= wanted
        amounts = sorted((sums["picos"] + beside.get(key[0] or NOBODY, 0) for key, sums in found.items()), reverse=True)
        if is_all or (len(amounts) >= count and amounts[count - 1] > most):
            return {key: sums for key, sums in found.items() if sums["calls"]}
        asked = min(4 * asked, _ALL)


def number_of_users(connection: Connection, chosen: Filter) -> int:
    """Return how many groups the calls that are meant have by user, nobody being one."""
    users = set[int]()
    for query in users_of(chosen):
        for (numbers,) in connection.execute(query.sql, query.parameters):
            users.update(_numbers(f"[{numbers or ''}]"))
    return len(users)


_numbers = msgspec.json.Decoder(list[int]).decode


def _first(connection: Connection, months: Span, asked: int) -> tuple[set[int], int, bool]:
    """Return the first users of each month, what any other can have spent at most, and whether there is no other."""
    users, most, is_all = set[int](), 0, True
    for month in range(*months):
        rows = connection.execute(_FIRST, (month, asked)).fetchall()
        users |= {user for user, _ in rows}
        if len(rows) == asked:
            most, is_all = most + rows[-1][1], False
    return users, most, is_all


def _beyond(connection: Connection) -> set[int]:
    """Return the users with a month of more than `CARRY`, which their order by the column of its rest leaves out."""
    everything: Grounded = {}
    for query in queries([], Filter()):
        collect(everything, connection, 0, query)
    if all(sums["picos"] < CARRY for sums in everything.values()):
        return set()
    return {row[0] for row in connection.execute("SELECT user FROM users_monthly WHERE carry <> 0")}


def _known(connection: Connection, months: Span) -> Span:
    """Return the months of which there are calls."""
    first, last = connection.execute(_MONTHS).fetchone()
    return Span(0, 0) if first is None else Span(max(months.since, first), min(months.until, last + 1))


_ALL = 2**63 - 1
"""More users than there can be, and the most that a database can be asked for."""
_FIRST = "SELECT user, cost FROM users_monthly WHERE month = ? ORDER BY cost DESC LIMIT ?"
_MONTHS = "SELECT (SELECT min(month) FROM users_monthly), (SELECT max(month) FROM users_monthly)"
"""One by one SQLite looks them up; together it would read the table."""
