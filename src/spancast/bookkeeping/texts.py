"""Texts that many rows share, each kept once and named by a number."""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection
from typing import TypeVar

PAGE = 500
"""Texts asked for at a time; SQLite takes 999 values in a statement, or more."""


_T = TypeVar("_T")


def ids(connection: Connection, texts: Iterable[str | None]) -> Mapping[str | None, int | None]:
    """Return the number of each text, given to it now where it has none; that of `None` is `None`."""
    wanted = [text for text in dict.fromkeys(texts) if text is not None]
    found: dict[str | None, int | None] = {None: None}
    found |= _known(connection, wanted)
    new = [(text,) for text in wanted if text not in found]
    if new:
        connection.executemany("INSERT INTO texts(text) VALUES (?)", new)
        found |= _known(connection, [text for (text,) in new])
    return found


def of(connection: Connection, numbers: Iterable[int | None]) -> Mapping[int | None, str | None]:
    """Return the text of each number; that of `None` is `None`."""
    wanted = [number for number in dict.fromkeys(numbers) if number is not None]
    found: dict[int | None, str | None] = {None: None}
    for page in _pages(wanted):
        rows = connection.execute(f"SELECT id, text FROM texts WHERE id IN ({_marks(page)})", page)  # noqa: S608 - question marks
        found |= dict(rows)
    return found


def _known(connection: Connection, texts: Sequence[str]) -> dict[str | None, int | None]:
    found: dict[str | None, int | None] = {}
    for page in _pages(texts):
        rows = connection.execute(f"SELECT text, id FROM texts WHERE text IN ({_marks(page)})", page)  # noqa: S608 - question marks
        found |= dict(rows)
    return found


def _pages(values: Sequence[_T]) -> Iterable[Sequence[_T]]:
    return (values[begin : begin + PAGE] for begin in range(0, len(values), PAGE))


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))
