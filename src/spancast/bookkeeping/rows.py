"""Inserts many rows at a time, leaving out the columns that are `None`.

`sqlite3` binds an exact `int`, `float`, `str` or `bytearray` directly. Every other value, including `None`, `bytes` and
`bool`, is offered to adapters first, which takes about a microsecond; and most columns of a call are `None`. So `None`
is left to the column's default, and binary values are passed as `bytearray`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress, repeat
from operator import is_not
from sqlite3 import Connection


def insert(connection: Connection, table: str, names: tuple[str, ...], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows of these columns, grouped by which columns they state, so not in their order."""
    by_columns: defaultdict[tuple[bool, ...], list[list[object]]] = defaultdict(list)
    for row in rows:
        stated = tuple(map(is_not, row, repeat(None)))
        by_columns[stated].append([*compress(row, stated)])
    for stated, values in by_columns.items():
        connection.executemany(_insert(table, tuple(compress(names, stated))), values)


@lru_cache(1000)
def _insert(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table}({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - names
