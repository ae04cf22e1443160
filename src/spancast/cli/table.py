"""Plain tables that fit the terminal: less important columns go first, then long values are cut."""

import shutil
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

UNLIMITED = 10_000
"""Columns of what is no terminal: a file or a pipe gets every value whole."""

_MEASURED = 1000
"""Rows by which the widths are decided; the table of a long ledger is printed as it is read."""
_GAP = "  "
_NARROWEST = 8
"""Columns to which a text is cut at most, so that it can still be told from others."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    number: bool = False
    """Numbers are right-aligned and never cut."""
    rank: int = 0
    """The columns of the highest rank go first where the table is too wide; rank 0 always stays."""


def terminal_width() -> int:
    """Return the columns there are to write in."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


def printable(value: str) -> str:
    """Return the value without what would move the cursor: a user's name may not write to the operator's terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in value)


def lines(columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int) -> Iterator[str]:
    """Yield the table's lines: its titles and its rows."""
    remaining = (tuple(map(printable, row)) for row in rows)
    first = list(islice(remaining, _MEASURED))
    natural = [max(map(_wide, values)) for values in zip(*([c.title for c in columns], *first), strict=True)]
    widths = _cut(columns, _drop(columns, natural, width), width)
    for row in chain([[column.title for column in columns]], first, remaining):
        cells = (_cell(columns[number], row[number], wide) for number, wide in widths.items())
        yield _GAP.join(cells).rstrip()


def _drop(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """Return the widths of the columns that stay, by their number."""
    widths = dict(enumerate(natural))
    for number in sorted(widths, key=lambda number: -columns[number].rank):
        if _total(widths) > width and columns[number].rank:
            del widths[number]
    return widths


def _cut(columns: Sequence[Column], widths: dict[int, int], width: int) -> dict[int, int]:
    """Return the widths with the widest texts made narrower until the table fits, or nothing more can be cut."""
    widths = dict(widths)
    texts = [number for number in widths if not columns[number].number]
    while texts and _total(widths) > width:
        widest = max(texts, key=lambda number: widths[number])
        if widths[widest] <= _NARROWEST:
            break
        widths[widest] -= 1
    return widths


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _cell(column: Column, value: str, width: int) -> str:
    if column.number:
        return value.rjust(width)
    if _wide(value) > width:
        value = _beginning(value, width - 1) + "…"
    return value + " " * (width - _wide(value))


def _beginning(value: str, width: int) -> str:
    """Return as much of the value as fits."""
    total = 0
    for at, character in enumerate(value):
        total += _wide(character)
        if total > width:
            return value[:at]
    return value


def _wide(value: str) -> int:
    """Return how many columns of a terminal a value takes (Unicode Standard Annex 11)."""
    return len(value) if value.isascii() else sum(map(_columns, value))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
