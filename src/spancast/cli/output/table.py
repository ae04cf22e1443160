"""Plain tables that fit the terminal: less important columns go, and long values are cut."""

import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Self

from spancast.cli.output.colour import Paint, Style, unpainted

UNLIMITED = 10_000
"""Columns of what is no terminal: a file or a pipe gets every value whole."""

_MEASURED = 1000
"""Rows by which the widths are decided; the table of a long ledger is printed as it is read."""
_GAP = "  "
_READABLE = 24
"""Columns of a text that are worth more than another column, where nothing else is said."""
_NARROWEST = 8
"""Columns to which a text is cut at most, so that it can still be told from others."""
_CUT = "…"
_PLAIN = ("0", "-", "")
"""Values that no colour points at."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    number: bool = False
    """Numbers are right-aligned and never cut."""
    rank: int = 0
    """The columns of the highest rank go first where the table is too wide; rank 0 always stays."""
    least: int = _READABLE
    """To how much of a text it is cut before another column goes."""
    style: Style | None = None
    """How its values are painted, where there is colour."""


def terminal_width() -> int:
    """Return the columns there are to write in."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


def printable(value: str) -> str:
    """Return the value without what would move the cursor: a user's name may not write to the operator's terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in value)


def lines(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int, paint: Paint = unpainted
) -> Iterator[str]:
    """Yield the table's lines: its titles and its rows."""
    remaining = iter(rows)
    first = list(islice(remaining, _MEASURED))
    layout = Layout.fitting(columns, first, width)
    yield layout.titles(paint)
    for row in chain(first, remaining):
        yield layout.line(row, paint)


def wrapped(sentence: str, width: int) -> list[str]:
    """Return the lines of a sentence that fit the terminal, with nothing in them that would move the cursor."""
    return textwrap.wrap(printable(sentence), max(width, 1))


def fitted(value: str, width: int) -> str:
    """Return the value where it fits; else as much of it as does, with the sign of what was cut."""
    if _wide(value) <= width:
        return value
    total = 0
    for at, character in enumerate(value):
        total += _wide(character)
        if total >= width:
            return value[:at] + _CUT[:width]
    return value


@dataclass(frozen=True, slots=True)
class Layout:
    """Which columns there are, and how wide they are."""

    columns: Sequence[Column]
    widths: Mapping[int, int]
    """By the numbers of the columns that stay."""
    limit: int
    """Columns of the terminal, beyond which no line goes."""

    @classmethod
    def fitting(cls, columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int) -> Self:
        """Return the layout in which these rows fit into the width."""
        titles = [column.title for column in columns]
        printed = [[printable(value) for value in row] for row in rows]
        natural = [max(map(_wide, values)) for values in zip(titles, *printed, strict=True)]
        return cls(columns, _cut(columns, _drop(columns, natural, width), width), width)

    def titles(self, paint: Paint = unpainted) -> str:
        """Return the line of the titles."""
        return paint(self._joined([column.title for column in self.columns]), "bold")

    def line(self, row: Sequence[str], paint: Paint = unpainted) -> str:
        """Return the line of a row."""
        whole = self._joined(row)
        if paint is unpainted or whole.endswith(_CUT):
            return whole
        return _GAP.join(self._painted(number, row[number], paint) for number in self.widths).rstrip()

    def _joined(self, row: Sequence[str]) -> str:
        line = _GAP.join(self._cell(number, row[number]) for number in self.widths).rstrip()
        return fitted(line, self.limit) if self.limit < UNLIMITED else line

    def _painted(self, number: int, value: str, paint: Paint) -> str:
        style, cell = self.columns[number].style, self._cell(number, value)
        bare = cell.strip()
        return cell if style is None or bare in _PLAIN else cell.replace(bare, paint(bare, style))

    def _cell(self, number: int, value: str) -> str:
        width, value = self.widths[number], printable(value)
        if self.columns[number].number:
            return value.rjust(width)
        if self.limit < UNLIMITED:
            value = fitted(value, width)
        return value + " " * (width - _wide(value))


def _drop(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """Return the natural widths of the columns that stay, by their number: those for which there is room."""
    staying = {at: wide if columns[at].number else min(wide, columns[at].least) for at, wide in enumerate(natural)}
    for number in sorted(staying, key=lambda number: -columns[number].rank):
        if _total(staying) > width and columns[number].rank:
            del staying[number]
    return {number: natural[number] for number in staying}


def _cut(columns: Sequence[Column], widths: dict[int, int], width: int) -> dict[int, int]:
    """Return the widths with texts made narrower until the table fits, or nothing more can be cut.

    The one that is furthest above the least that its column wants is the next to lose a character.
    """
    widths = dict(widths)
    while _total(widths) > width:
        texts = [number for number in widths if not columns[number].number and widths[number] > _NARROWEST]
        if not texts:
            break
        widths[max(texts, key=lambda number: widths[number] - columns[number].least)] -= 1
    return widths


def _total(widths: Mapping[int, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _wide(value: str) -> int:
    """Return how many columns of a terminal a value takes (Unicode Standard Annex 11)."""
    return len(value) if value.isascii() else sum(map(_columns, value))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
