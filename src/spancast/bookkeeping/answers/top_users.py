"""The users who spent most, found without reading all users.

A user spends at most as much in a period as in the months that it overlaps. So users are read in descending order of
their sums in those months, until no other user can be among the first (Fagin's threshold algorithm). This is valid
since the sums contain no negative cost. Outsize calls and adjustments, which the sums lack, are all read.
"""

from collections.abc import Mapping
from sqlite3 import Connection

import msgspec

from spancast.base.units import INT64_MAX
from spancast.bookkeeping.answers.column_sums import ColumnSums, add_rows, outsize_sums
from spancast.bookkeeping.answers.filter import Filter, criteria
from spancast.bookkeeping.answers.sources import UnitRange, month_range, queries, sums_of_users, user_ids
from spancast.bookkeeping.rollups import NO_USER
from spancast.bookkeeping.schema import CARRY

AdjustmentsByUser = Mapping[int, int]
"""Pico-dollars of adjustments by user."""


def filters_time_only(chosen: Filter) -> bool:
    """Return whether the filter restricts nothing but the time."""
    return not criteria(chosen)


def top_users(connection: Connection, chosen: Filter, count: int, adjustments: AdjustmentsByUser) -> ColumnSums:
    """Return the sums of at least the `count` users who spent most, and of the calls without a user."""
    found = outsize_sums(connection, ["user"], chosen)
    wanted = {key[0] or NO_USER for key in found} | {NO_USER, *adjustments} | _beyond(connection)
    months, limit, seen = _existing_months(connection, month_range(chosen)), min(4 * count, _ALL), set[int]()
    while True:
        first, most, is_all = _first(connection, months, limit)
        wanted |= first
        for query in sums_of_users(sorted(wanted - seen), chosen, months):
            add_rows(found, connection, 1, query)
        seen |= wanted
        amounts = sorted(
            (sums["picos"] + adjustments.get(key[0] or NO_USER, 0) for key, sums in found.items()), reverse=True
        )
        if is_all or (len(amounts) >= count and amounts[count - 1] > most):
            return {key: sums for key, sums in found.items() if sums["calls"]}
        limit = min(4 * limit, _ALL)


def count_users(connection: Connection, chosen: Filter) -> int:
    """Return how many groups by user the `chosen` calls have; calls without a user are one group."""
    users = set[int]()
    for query in user_ids(chosen):
        for (numbers,) in connection.execute(query.sql, query.parameters):
            users.update(_numbers(f"[{numbers or ''}]"))
    return len(users)


_numbers = msgspec.json.Decoder(list[int]).decode


def _first(connection: Connection, months: UnitRange, limit: int) -> tuple[set[int], int, bool]:
    """Return the top users of each month, what any other user can have spent at most, and whether there is none."""
    users, most, is_all = set[int](), 0, True
    for month in range(*months):
        rows = connection.execute(_FIRST, (month, limit)).fetchall()
        users |= {user for user, _ in rows}
        if len(rows) == limit:
            most, is_all = most + rows[-1][1], False
    return users, most, is_all


def _beyond(connection: Connection) -> set[int]:
    """Return the users with a month above `CARRY`, which the order by the column `cost` alone would misplace."""
    everything: ColumnSums = {}
    for query in queries([], Filter()):
        add_rows(everything, connection, 0, query)
    if all(sums["picos"] < CARRY for sums in everything.values()):
        return set()
    return {row[0] for row in connection.execute("SELECT user FROM users_monthly WHERE carry <> 0")}


def _existing_months(connection: Connection, months: UnitRange) -> UnitRange:
    """Return the part of `months` that has calls."""
    first, last = connection.execute(_MONTHS).fetchone()
    return UnitRange(0, 0) if first is None else UnitRange(max(months.since, first), min(months.until, last + 1))


_ALL = INT64_MAX
"""More users than there can be: SQLite's largest LIMIT."""
_FIRST = "SELECT user, cost FROM users_monthly WHERE month = ? ORDER BY cost DESC LIMIT ?"
_MONTHS = "SELECT (SELECT min(month) FROM users_monthly), (SELECT max(month) FROM users_monthly)"
"""Two subqueries, each an index lookup; SQLite would scan the table for both in one."""
