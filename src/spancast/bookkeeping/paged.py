"""Rows that are looked for by many values at once."""

from collections.abc import Iterator, Sequence
from sqlite3 import Connection
from typing import Any

PAGE = 500
"""Values of one statement; SQLite takes 999, or more."""


def rows(connection: Connection, sql: str, values: Sequence[object]) -> Iterator[Any]:
    """Yield the rows of a query in which `{}` stands for the values to look for, some hundreds at a time."""
    for begin in range(0, len(values), PAGE):
        page = values[begin : begin + PAGE]
        yield from connection.execute(sql.format(", ".join("?" * len(page))), page)
