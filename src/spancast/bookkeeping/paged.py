"""Looks rows up by many values at once."""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any

PAGE = 500
"""Values per statement; SQLite accepts at least 999."""


def rows(connection: Connection, sql: str, values: Sequence[object]) -> Iterator[Any]:
    """Yield the rows of a query with `{}` in place of the values to look up, `PAGE` values at a time."""
    for begin in range(0, len(values), PAGE):
        page = values[begin : begin + PAGE]
        yield from connection.execute(sql.format(", ".join("?" * len(page))), page)
