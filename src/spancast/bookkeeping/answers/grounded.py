"""Sums by the columns of the ledger that a question is told from."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from sqlite3 import Connection
from typing import TypeVar

from spancast.base import money
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.sources import Query, outsize
from spancast.bookkeeping.posted import read
from spancast.bookkeeping.sums import Sums

Key = TypeVar("Key")
Grounded = dict[tuple[int | None, ...], Sums]


def grounded(connection: Connection, asked: Sequence[str], queries: Iterable[Query], chosen: Filter) -> Grounded:
    """Return what the `queries` and the outsize calls add up to, by the columns that are asked for."""
    found = outsized(connection, asked, chosen)
    for query in queries:
        collect(found, connection, len(asked), query)
    return {key: sums for key, sums in found.items() if sums["calls"]}


def outsized(connection: Connection, asked: Sequence[str], chosen: Filter) -> Grounded:
    """Return what the calls add up to that stand outside the kept sums."""
    found: Grounded = {}
    width, query = len(asked), outsize(asked, chosen)
    for row in connection.execute(query.sql, query.parameters):
        *given, text = row
        call = read(given[width:])
        picos = call.cost if text is None else money.pico(Decimal(text))
        take(found, tuple(given[:width]), Sums.of(call, picos))
    return found


def collect(found: Grounded, connection: Connection, width: int, query: Query) -> None:
    """Add the rows of a query, of which so many columns are what it is summed by."""
    cursor = connection.cursor()
    cursor.row_factory = None
    for row in cursor.execute(query.sql, query.parameters):
        take(found, row[:width], Sums.read(row[width:]))


def take(found: dict[Key, Sums], key: Key, sums: Sums) -> None:
    """Add sums to those of their group; they may be changed by it."""
    if key in found:
        found[key].add(sums)
    else:
        found[key] = sums
