"""Sums by the columns of the ledger that a question is told from."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from decimal import Decimal
from sqlite3 import Connection

from spancast import money
from spancast.bookkeeping.filter import Filter
from spancast.bookkeeping.posted import read
from spancast.bookkeeping.sources import Query, outsize
from spancast.bookkeeping.sums import Sums

Grounded = dict[tuple[int | None, ...], Sums]


def grounded(connection: Connection, asked: Sequence[str], queries: Iterable[Query], chosen: Filter) -> Grounded:
    """Return what the `queries` and the outsize calls add up to, by the columns that are asked for."""
    found: defaultdict[tuple[int | None, ...], Sums] = defaultdict(Sums)
    width = len(asked)
    for query in queries:
        for row in connection.execute(query.sql, query.parameters):
            columns = tuple(row)
            found[columns[:width]].add(Sums.read(columns[width:]))
    query = outsize(asked, chosen)
    for row in connection.execute(query.sql, query.parameters):
        *given, text = row
        call = read(given[width:])
        found[tuple(given[:width])].add(Sums.of(call, call.cost if text is None else money.pico(Decimal(text))))
    return {key: sums for key, sums in found.items() if sums["calls"]}
