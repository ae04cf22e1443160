"""The sums that are kept beside the entries: by day and kind, by day and user, by month and user.

They are posted to in the transaction that writes the entries, so that no death leaves them apart, and they stay when
old entries are pruned. Entries with a number too large for them stand outside; whoever sums reads those one by one.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from sqlite3 import Connection
from typing import NamedTuple

from spancast.bookkeeping.schema import CARRY, SUMS
from spancast.bookkeeping.sums import ADDED, Sums

DAY = 24 * 3600 * 10**9
"""Nanoseconds of a day; all days have as many in Unix time."""
NOBODY = 0
"""In place of the user of calls that have none."""

_EPOCH = date(1970, 1, 1).toordinal()


class Posting(NamedTuple):
    """What one entry adds, and where."""

    day: int
    """Days since 1970."""
    kind: int
    user: int
    sums: Sums


def day_of(at: int) -> int:
    """Return the UTC day of a Unix time in nanoseconds, in days since 1970."""
    return at // DAY


def month_of(day: int) -> int:
    """Return the month of a day, in months since the year 0."""
    on = date.fromordinal(_EPOCH + day)
    return on.year * 12 + on.month - 1


def first_day_of(month: int) -> int:
    """Return the first day of a month."""
    return date(month // 12, month % 12 + 1, 1).toordinal() - _EPOCH


def post(connection: Connection, postings: Iterable[Posting], sign: int = 1) -> None:
    """Add what entries say to the sums, or take it away again."""
    daily: defaultdict[tuple[int, int], Sums] = defaultdict(Sums)
    users: defaultdict[tuple[int, int], Sums] = defaultdict(Sums)
    monthly: defaultdict[tuple[int, int], Sums] = defaultdict(Sums)
    for day, kind, user, sums in postings:
        daily[day, kind].add(sums, sign)
        users[day, user].add(sums, sign)
    for (day, user), sums in users.items():
        monthly[month_of(day), user].add(sums)
    for table, added in (("kinds_daily", daily), ("users_daily", users), ("users_monthly", monthly)):
        connection.executemany(_UPSERT[table], _rows(added))
        if sign < 0:
            connection.executemany(_EMPTY[table], added)


def rebuild(connection: Connection, postings: Iterable[Posting], since: int | None) -> None:
    """Make the sums anew from the `postings` of all entries there are, which are those from the day `since` on."""
    first = -(2**63) if since is None else since
    connection.execute("DELETE FROM kinds_daily WHERE day >= ?", (first,))
    connection.execute("DELETE FROM users_daily WHERE day >= ?", (first,))
    connection.execute("DELETE FROM users_monthly")
    for page in _pages(postings):
        post(connection, page)
    connection.execute("DELETE FROM users_monthly")
    connection.executemany(_UPSERT["users_monthly"], _rows(_by_month(connection)))


def _by_month(connection: Connection) -> Mapping[tuple[int, int], Sums]:
    monthly: defaultdict[tuple[int, int], Sums] = defaultdict(Sums)
    for row in connection.execute(f"SELECT day, user, {ADDED} FROM users_daily GROUP BY day, user"):  # noqa: S608 - names
        monthly[month_of(row["day"]), row["user"]].add(Sums.read(row))
    return monthly


def _pages(postings: Iterable[Posting], size: int = 10_000) -> Iterator[list[Posting]]:
    page: list[Posting] = []
    for posting in postings:
        page.append(posting)
        if len(page) == size:
            yield page
            page = []
    yield page


def _rows(added: Mapping[tuple[int, int], Sums]) -> Iterator[tuple[int, ...]]:
    return ((*key, *sums.columns()) for key, sums in added.items())


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
