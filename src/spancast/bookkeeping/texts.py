"""Texts that many rows share, each kept once and named by a number."""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection

from spancast.bookkeeping import paged


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
    return {None: None, **dict(paged.rows(connection, _TEXTS, wanted))}


def _known(connection: Connection, texts: Sequence[str]) -> dict[str | None, int | None]:
    return dict(paged.rows(connection, _NUMBERS, texts))


_TEXTS = "SELECT id, text FROM texts WHERE id IN ({})"
_NUMBERS = "SELECT text, id FROM texts WHERE text IN ({})"
