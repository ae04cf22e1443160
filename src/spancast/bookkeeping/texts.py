"""Texts that many rows share, each kept once and named by a number."""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection

from spancast.bookkeeping import paged


def number(connection: Connection, texts: Iterable[str | None], known: dict[str, int]) -> None:
    """See to it that the number of each text is `known`, given to it now where it has none."""
    unknown = {text for text in texts if text is not None and text not in known}
    if not unknown:
        return
    found = _numbered(connection, list(unknown))
    known |= found
    # In the order of their index SQLite puts texts down quickest.
    new = sorted(unknown - found.keys())
    if new:
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM texts").fetchone()
        given = dict(zip(new, range(last + 1, last + 1 + len(new)), strict=True))
        connection.executemany("INSERT INTO texts(text, id) VALUES (?, ?)", given.items())
        known |= given


def of(connection: Connection, numbers: Iterable[int | None]) -> Mapping[int | None, str | None]:
    """Return the text of each number; that of `None` is `None`."""
    wanted = [number for number in dict.fromkeys(numbers) if number is not None]
    return {None: None, **dict(paged.rows(connection, _TEXTS, wanted))}


def _numbered(connection: Connection, texts: Sequence[str]) -> dict[str, int]:
    return dict(paged.rows(connection, _NUMBERS, texts))


_TEXTS = "SELECT id, text FROM texts WHERE id IN ({})"
_NUMBERS = "SELECT text, id FROM texts WHERE text IN ({})"
