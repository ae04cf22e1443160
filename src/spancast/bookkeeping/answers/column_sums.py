"""Sums by the columns that the dimensions of a query are computed from."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from sqlite3 import Connection
from typing import TypeVar

from spancast.base import money
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.sources import Query, outsize_rows
from spancast.bookkeeping.posted import read
from spancast.bookkeeping.sums import Sums

Key = TypeVar("Key")
ColumnSums = dict[tuple[int | None, ...], Sums]


def column_sums(
    connection: Connection, group_by: Sequence[str], queries: Iterable[Query], chosen: Filter
) -> ColumnSums:
    """Return what the `queries` and the outsize calls add up to, by these columns."""
    found = outsize_sums(connection, group_by, chosen)
    for query in queries:
        add_rows(found, connection, len(group_by), query)
    return {key: sums for key, sums in found.items() if sums["calls"]}


def outsize_sums(connection: Connection, group_by: Sequence[str], chosen: Filter) -> ColumnSums:
    """Return what the outsize calls add up to, which the stored sums lack."""
    found: ColumnSums = {}
    width, query = len(group_by), outsize_rows(group_by, chosen)
    for row in connection.execute(query.sql, query.parameters):
        *given, text = row
        call = read(given[width:])
        picos = call.cost if text is None else money.pico(Decimal(text))
        add_sums(found, tuple(given[:width]), Sums.of(call, picos))
    return found


def add_rows(found: ColumnSums, connection: Connection, width: int, query: Query) -> None:
    """Add the rows of a query; their first `width` columns are the key."""
    cursor = connection.cursor()
    cursor.row_factory = None
    for row in cursor.execute(query.sql, query.parameters):
        add_sums(found, row[:width], Sums.read(row[width:]))


def add_sums(found: dict[Key, Sums], key: Key, sums: Sums) -> None:
    """Add sums to those of their key; `found` takes ownership of them."""
    if key in found:
        found[key].add(sums)
    else:
        found[key] = sums
