"""Texts that many rows share, each stored once and referred to by its id."""

from collections.abc import Iterable, Mapping, Sequence
from sqlite3 import Connection

from spancast.bookkeeping import paged


def assign_ids(connection: Connection, texts: Iterable[str | None], ids: dict[str, int]) -> None:
    """Add the id of each text to `ids`, inserting the texts that are new."""
    unknown = {text for text in texts if text is not None and text not in ids}
    if not unknown:
        return
    found = _numbered(connection, list(unknown))
    ids |= found
    # SQLite inserts texts fastest in the order of their index.
    new = sorted(unknown - found.keys())
    if new:
        (last,) = connection.execute("SELECT coalesce(max(id), 0) FROM texts").fetchone()
        assigned = dict(zip(new, range(last + 1, last + 1 + len(new)), strict=True))
        connection.executemany("INSERT INTO texts(text, id) VALUES (?, ?)", assigned.items())
        ids |= assigned


def by_id(connection: Connection, numbers: Iterable[int | None]) -> Mapping[int | None, str | None]:
    """Return the text of each id; `None` for `None`."""
    wanted = [number for number in dict.fromkeys(numbers) if number is not None]
    return {None: None, **dict(paged.rows(connection, _TEXTS, wanted))}


def _numbered(connection: Connection, texts: Sequence[str]) -> dict[str, int]:
    return dict(paged.rows(connection, _NUMBERS, texts))


_TEXTS = "SELECT id, text FROM texts WHERE id IN ({})"
_NUMBERS = "SELECT text, id FROM texts WHERE text IN ({})"
