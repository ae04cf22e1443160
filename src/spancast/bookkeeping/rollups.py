"""Sums stored beside the entries: by day and kind, by day and user, by month and user.

They are updated in the transaction that writes the entries, so that a crash cannot separate them, and they stay when
old entries are pruned. Entries with a number too large for them are outsize: not in these sums, but read one by one.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from operator import itemgetter
from sqlite3 import Connection
from typing import NamedTuple

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.schema import CARRY, SUMS
from spancast.bookkeeping.sums import SUMMED_COLUMNS, Addends, Sums

DAY = 24 * 3600 * NS_PER_SECOND
"""Nanoseconds of a day, the same for all days in Unix time."""
NO_USER = 0
"""Stands for the user of calls that have none."""

_EPOCH = date(1970, 1, 1).toordinal()


class Posting(NamedTuple):
    """What one entry adds to the sums of a day, a kind and a user."""

    day: int
    """Days since 1970."""
    kind: int
    user: int
    added: Addends


def day_of(at: int) -> int:
    """Return the UTC day of a Unix time in nanoseconds, in days since 1970."""
    return at // DAY


def month_of(day: int) -> int:
    """Return the month of a day, in months since the year 0."""
    on = date_of(day)
    return on.year * 12 + on.month - 1


def date_of(day: int) -> date:
    """Return the date of a day."""
    return date.fromordinal(_EPOCH + day)


def first_day_of(month: int) -> int:
    """Return the first day of a month."""
    return date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH


class Postings:
    """Postings of several entries, grouped."""

    def __init__(self) -> None:
        self._kinds: defaultdict[tuple[int, int], list[Addends]] = defaultdict(list)
        self._users: defaultdict[tuple[int, int], list[Addends]] = defaultdict(list)

    def add(self, postings: Iterable[Posting]) -> None:
        """Add postings."""
        for day, kind, user, added in postings:
            self._kinds[day, kind].append(added)
            self._users[day, user].append(added)

    @property
    def kinds_daily(self) -> Mapping[tuple[int, int], Sums]:
        """By day and kind."""
        return {key: Sums.over(rows) for key, rows in self._kinds.items()}

    @property
    def users_daily(self) -> Mapping[tuple[int, int], Sums]:
        """By day and user."""
        return {key: Sums.over(rows) for key, rows in self._users.items()}


def post(connection: Connection, postings: Iterable[Posting], sign: int = 1) -> None:
    """Add postings to the stored sums, or with `sign` -1 subtract them."""
    grouped = Postings()
    grouped.add(postings)
    users_daily = grouped.users_daily
    tables = {
        "kinds_daily": grouped.kinds_daily,
        "users_daily": users_daily,
        "users_monthly": _monthly(users_daily),
    }
    for table, added in tables.items():
        connection.executemany(_UPSERT[table], _rows(added, sign))
        if sign < 0:
            connection.executemany(_EMPTY[table], added)


def clear(connection: Connection, since: int) -> None:
    """Delete the sums of the days from `since` on."""
    for table in ("kinds_daily", "users_daily"):
        connection.execute(f"DELETE FROM {table} WHERE day >= ?", (since,))  # noqa: S608 - names


def sum_months(connection: Connection) -> None:
    """Rebuild the sums of the months from those of their days."""
    connection.execute("DELETE FROM users_monthly")
    connection.executemany(_UPSERT["users_monthly"], _rows(by_month(connection), 1))


def by_month(connection: Connection) -> Mapping[tuple[int, int], Sums]:
    """Return the sums by month and user that the days add up to."""
    days = connection.execute(f"SELECT day, user, {SUMMED_COLUMNS} FROM users_daily GROUP BY day, user")  # noqa: S608 - names
    return _monthly({(day, user): Sums.read(columns) for day, user, *columns in days})


def _monthly(daily: Mapping[tuple[int, int], Sums]) -> Mapping[tuple[int, int], Sums]:
    months = {day: month_of(day) for day in {day for day, _ in daily}}
    monthly: defaultdict[tuple[int, int], list[Sequence[int]]] = defaultdict(list)
    for (day, user), sums in daily.items():
        monthly[months[day], user].append(sums.values)
    return {key: Sums.over(rows) for key, rows in monthly.items()}


def _rows(added: Mapping[tuple[int, int], Sums], sign: int) -> list[tuple[int, ...]]:
    """Return the rows in the order of their primary key, in which SQLite inserts them fastest."""
    return [(*key, *sums.columns(sign)) for key, sums in sorted(added.items(), key=itemgetter(0))]


def _upsert(table: str, key: str) -> str:
    counts = [f"{name} = {name} + excluded.{name}" for name in SUMS if name not in ("cost", "carry")]
    money = [
        f"cost = (cost + excluded.cost) % {CARRY}",
        f"carry = carry + excluded.carry + (cost + excluded.cost) / {CARRY}",
    ]
    return f"""
        INSERT INTO {table}({key}, {", ".join(SUMS)}) VALUES ({", ".join("?" * (2 + len(SUMS)))})
        ON CONFLICT DO UPDATE SET {", ".join(counts + money)}
    """  # noqa: S608 - made of the names above


_UPSERT = {
    "kinds_daily": _upsert("kinds_daily", "day, kind"),
    "users_daily": _upsert("users_daily", "day, user"),
    "users_monthly": _upsert("users_monthly", "month, user"),
}
_EMPTY = {
    "kinds_daily": "DELETE FROM kinds_daily WHERE day = ? AND kind = ? AND calls = 0",
    "users_daily": "DELETE FROM users_daily WHERE day = ? AND user = ? AND calls = 0",
    "users_monthly": "DELETE FROM users_monthly WHERE month = ? AND user = ? AND calls = 0",
}
