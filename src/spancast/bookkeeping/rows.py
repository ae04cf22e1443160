"""Rows that are put into a table, many at a time, without the columns of which nothing is known.

`sqlite3` takes an exact `int`, `float`, `str` or `bytearray` as it is. All else, `None`, `bytes` and `bool` among it,
it offers to adapters first: about a microsecond a value, and most columns of a call are `None`. So what is `None` is
left to the column's default, and what is binary comes as a `bytearray`.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress, repeat
from operator import is_not
from sqlite3 import Connection


def insert(connection: Connection, table: str, names: tuple[str, ...], rows: Iterable[Sequence[object]]) -> None:
    """Insert rows of these columns; those that state the same columns go together, so the order is not kept."""
    alike: defaultdict[tuple[bool, ...], list[list[object]]] = defaultdict(list)
    for row in rows:
        stated = tuple(map(is_not, row, repeat(None)))
        alike[stated].append([*compress(row, stated)])
    for stated, values in alike.items():
        connection.executemany(_insert(table, tuple(compress(names, stated))), values)


@lru_cache(1000)
def _insert(table: str, names: tuple[str, ...]) -> str:
    return f"INSERT INTO {table}({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608 - names
