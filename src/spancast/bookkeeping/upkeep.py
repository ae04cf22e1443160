"""Maintenance of a ledger: check it, rebuild its sums, and prune old calls."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from sqlite3 import Connection
from typing import NamedTuple

from spancast.bookkeeping import dangling, latencies, rollups
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.entries import postings
from spancast.bookkeeping.latencies import Measurement
from spancast.bookkeeping.posted import POSTED, Posted, read
from spancast.bookkeeping.retention import retained_since
from spancast.bookkeeping.rollups import DAY
from spancast.bookkeeping.schema import SUMS
from spancast.bookkeeping.sums import Sums

PRUNE_CHUNK = 2000
"""Entries deleted per transaction, so that no writer waits long."""
REBUILD_PAGE = 10_000
"""Entries read at a time."""


class Rebuilt(NamedTuple):
    """What `rebuild` did."""

    calls: int
    """Calls that the sums were rebuilt from."""
    repaired: int
    """Lost names, tags and settings that were replaced; see `dangling`."""


def rebuild(book: Book) -> Rebuilt:
    """Rebuild the sums of all days from their single calls, and repair dangling references.

    Days with pruned calls keep their sums. Writers wait meanwhile: a minute for millions of calls.
    """
    with book.writing() as connection:
        repaired = dangling.repair(connection)
        since = _first_complete_day(connection)
        rollups.clear(connection, since)
        latencies.clear(connection, since)
        count = 0
        for page in _pages(connection, since):
            rollups.post(connection, postings(page))
            latencies.post(connection, _measurements(page))
            count += len(page)
        rollups.sum_months(connection)
    return Rebuilt(count, repaired)


def check(book: Book) -> list[str]:
    """Return the problems of the ledger, as sentences.

    The whole file is read, every reference is looked up, and the sums are compared with the calls.
    """
    with book.reading() as connection:
        damage = [f"SQLite reports: {row[0]}" for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
        return damage or [*dangling.problems(connection)] or [*_drift(connection)]


def prunable(book: Book, before: int, limit: int = -1) -> int:
    """Return how many single calls `prune` would delete, counting up to `limit` where it is given."""
    with book.reading() as connection:
        return int(connection.execute(_COUNT, (before * DAY, limit)).fetchone()[0])


def prune(book: Book, before: int, *, go_on: Callable[[], bool] = lambda: True) -> int:
    """Delete the single calls of the days before `before`, a day since 1970; return how many.

    The sums stay, and so do calls whose cost is still to come. It stops between two transactions once `go_on` returns
    false; a later run deletes the rest.
    """
    with book.writing() as connection:
        connection.execute("INSERT INTO kept VALUES (?)", (before,))
        connection.execute("DELETE FROM kept WHERE since_day < (SELECT max(since_day) FROM kept)")
    count = 0
    while True:
        with book.writing() as connection:
            removed = connection.execute(_PRUNE, (before * DAY, PRUNE_CHUNK)).rowcount
        count += removed
        if removed < PRUNE_CHUNK:
            break
        if not go_on():
            return count
    with book.writing() as connection:
        connection.execute(_DELETE_UNUSED_TEXTS)
    return count


def _first_complete_day(connection: Connection) -> int:
    """Return the first day that has all its calls, so that its sums can be rebuilt."""
    return retained_since(connection) or 0


def _drift(connection: Connection) -> Iterator[str]:
    """Yield where the sums differ from their calls."""
    for (day,) in connection.execute(_DAYS, {"since": _first_complete_day(connection)}).fetchall():
        yield from _drift_of(connection, day)
    yield from _drift_of_months(connection)


def _drift_of(connection: Connection, day: int) -> Iterator[str]:
    rows = [read(row) for row in connection.execute(_OF_DAY, (day * DAY, (day + 1) * DAY))]
    expected = rollups.Postings()
    expected.add(postings(rows))
    if _stored_sums(connection, "kinds_daily", "kind", day) != _columns(expected.kinds_daily):
        yield f"kinds_daily: the sums of {rollups.date_of(day)} do not match its calls."
    if _stored_sums(connection, "users_daily", "user", day) != _columns(expected.users_daily):
        yield f"users_daily: the sums of {rollups.date_of(day)} do not match its calls."
    counted = Counter(_measurements(rows))
    if {Measurement(*row): calls for *row, calls in connection.execute(_LATENCIES, (day,))} != counted:
        yield f"latencies: the counts of {rollups.date_of(day)} do not match its calls."


def _stored_sums(connection: Connection, table: str, key: str, day: int) -> dict[tuple[int, int], tuple[int, ...]]:
    rows = connection.execute(f"SELECT day, {key}, {', '.join(SUMS)} FROM {table} WHERE day = ?", (day,))  # noqa: S608 - names
    return {(day, number): tuple(sums) for day, number, *sums in rows}


def _columns(sums: Mapping[tuple[int, int], Sums]) -> dict[tuple[int, int], tuple[int, ...]]:
    return {key: tuple(each.columns()) for key, each in sums.items()}


def _drift_of_months(connection: Connection) -> Iterator[str]:
    rows = connection.execute(f"SELECT month, user, {', '.join(SUMS)} FROM users_monthly")  # noqa: S608 - names
    if {(month, user): tuple(sums) for month, user, *sums in rows} != _columns(rollups.by_month(connection)):
        yield "users_monthly: the sums of the months do not match their days."


def _pages(connection: Connection, since: int) -> Iterator[Sequence[Posted]]:
    """Yield the single calls from the day `since` on, in pages."""
    last, first = 0, since * DAY
    while True:
        rows = connection.execute(_PAGE, (last, first, REBUILD_PAGE)).fetchall()
        if not rows:
            return
        yield [read(columns) for _, *columns in rows]
        last = rows[-1]["seq"]


def _measurements(page: Sequence[Posted]) -> Iterator[Measurement]:
    return (each for call in page for each in latencies.measurements(call))


_OF_DAY = f"{POSTED} WHERE started_at >= ? AND started_at < ?"
_DAYS = f"""
    SELECT day FROM kinds_daily WHERE day >= :since UNION SELECT day FROM users_daily WHERE day >= :since
    UNION SELECT day FROM latencies WHERE day >= :since
    UNION SELECT DISTINCT started_at / {DAY} FROM entries WHERE started_at / {DAY} >= :since ORDER BY 1
"""  # noqa: S608 - a number
_PAGE = f"""
    SELECT seq, {", ".join(Posted._fields)} FROM entries JOIN kinds ON kinds.id = entries.kind
    WHERE seq > ? AND started_at >= ? ORDER BY seq LIMIT ?
"""  # noqa: S608 - names of columns
_LATENCIES = """
    SELECT measure, text, bucket, day, calls FROM latencies JOIN texts ON texts.id = route WHERE day = ?
"""
_PRUNABLE = "started_at < ? AND outsize IS NULL AND NOT coalesce(job AND awaits_cost, 0)"
_COUNT = f"SELECT count(*) FROM (SELECT 1 FROM entries WHERE {_PRUNABLE} LIMIT ?)"  # noqa: S608 - names
_PRUNE = f"DELETE FROM entries WHERE seq IN (SELECT seq FROM entries WHERE {_PRUNABLE} LIMIT ?)"  # noqa: S608 - names
_DELETE_UNUSED_TEXTS = """
    DELETE FROM texts WHERE id NOT IN (
        SELECT user FROM users_daily UNION SELECT route FROM latencies
        UNION SELECT session FROM entries WHERE session IS NOT NULL
        UNION SELECT tags FROM entries WHERE tags IS NOT NULL
        UNION SELECT setting FROM entries WHERE setting IS NOT NULL
        UNION SELECT user FROM entries WHERE user IS NOT NULL
    )
"""
