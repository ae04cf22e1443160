"""Plain tables that fit the terminal: less important columns are dropped, and long values truncated."""

import shutil
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Self

from spancast.cli.output.colour import Paint, Style, unpainted

UNLIMITED = 10_000
"""The width of a file or a pipe, which get every value in full."""

_MEASURED_ROWS = 1000
"""Rows that determine the widths; the table of a long ledger is printed while it is read."""
_GAP = "  "
_READABLE_WIDTH = 24
"""The width of a text that by default is worth more than another column."""
_MIN_WIDTH = 8
"""The width below which no text is truncated, so that it remains distinguishable."""
_ELLIPSIS = "…"
_UNPAINTED = ("0", "-", "")
"""Values that are not coloured."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table."""

    title: str
    number: bool = False
    """Numbers are right-aligned and never truncated."""
    rank: int = 0
    """Columns of the highest rank are dropped first if the table is too wide; rank 0 is never dropped."""
    least: int = _READABLE_WIDTH
    """The width to which its texts are truncated before another column is dropped."""
    style: Style | None = None
    """The style of its values, on a terminal with colour."""


def terminal_width() -> int:
    """Return the terminal's columns; `UNLIMITED` for a file or a pipe."""
    return shutil.get_terminal_size((UNLIMITED, 24)).columns


def printable(value: str) -> str:
    """Return the value without control characters: a user's name must not control the operator's terminal."""
    return "".join(character if character.isprintable() else "\ufffd" for character in value)


def lines(
    columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int, paint: Paint = unpainted
) -> Iterator[str]:
    """Yield the table's lines: its titles and its rows."""
    remaining = iter(rows)
    first = list(islice(remaining, _MEASURED_ROWS))
    layout = Layout.fitting(columns, first, width)
    yield layout.titles(paint)
    for row in chain(first, remaining):
        yield layout.line(row, paint)


def wrapped(sentence: str, width: int) -> list[str]:
    """Return a sentence as lines that fit the terminal, without control characters."""
    return textwrap.wrap(printable(sentence), max(width, 1))


def fitted(value: str, width: int) -> str:
    """Return the value, truncated with an ellipsis if it does not fit."""
    if _wide(value) <= width:
        return value
    total = 0
    for at, character in enumerate(value):
        total += _wide(character)
        if total >= width:
            return value[:at] + _ELLIPSIS[:width]
    return value


@dataclass(frozen=True, slots=True)
class Layout:
    """The columns of a table that are shown, and their widths."""

    columns: Sequence[Column]
    widths: Mapping[int, int]
    """By the index of each column that is shown."""
    limit: int
    """The maximum width of a line."""

    @classmethod
    def fitting(cls, columns: Sequence[Column], rows: Iterable[Sequence[str]], width: int) -> Self:
        """Return the layout in which these rows fit into the width."""
        titles = [column.title for column in columns]
        printed = [[printable(value) for value in row] for row in rows]
        natural = [max(map(_wide, values)) for values in zip(titles, *printed, strict=True)]
        return cls(columns, _cut(columns, _drop(columns, natural, width), width), width)

    def titles(self, paint: Paint = unpainted) -> str:
        """Return the header."""
        return paint(self._joined([column.title for column in self.columns]), "bold")

    def line(self, row: Sequence[str], paint: Paint = unpainted) -> str:
        """Return the line of a row."""
        whole = self._joined(row)
        if paint is unpainted or whole.endswith(_ELLIPSIS):
            return whole
        return _GAP.join(self._painted(number, row[number], paint) for number in self.widths).rstrip()

    def _joined(self, row: Sequence[str]) -> str:
        line = _GAP.join(self._cell(number, row[number]) for number in self.widths).rstrip()
        return fitted(line, self.limit) if self.limit < UNLIMITED else line

    def _painted(self, number: int, value: str, paint: Paint) -> str:
        style, cell = self.columns[number].style, self._cell(number, value)
        bare = cell.strip()
        return cell if style is None or bare in _UNPAINTED else cell.replace(bare, paint(bare, style))

    def _cell(self, number: int, value: str) -> str:
        width, value = self.widths[number], printable(value)
        if self.columns[number].number:
            return value.rjust(width)
        if self.limit < UNLIMITED:
            value = fitted(value, width)
        return value + " " * (width - _wide(value))


def _drop(columns: Sequence[Column], natural: Sequence[int], width: int) -> dict[int, int]:
    """Return the natural widths of the columns that fit, by their index."""
    staying = {at: wide if columns[at].number else min(wide, columns[at].least) for at, wide in enumerate(natural)}
    for number in sorted(staying, key=lambda number: -columns[number].rank):
        if _total(staying) > width and columns[number].rank:
            del staying[number]
    return {number: natural[number] for number in staying}


def _cut(columns: Sequence[Column], widths: dict[int, int], width: int) -> dict[int, int]:
    """Return the widths, with texts narrowed until the table fits or no text can be truncated further.

    The text that most exceeds its column's `least` width loses a character next.
    """
    widths = dict(widths)
    while _total(widths) > width:
        texts = [number for number in widths if not columns[number].number and widths[number] > _MIN_WIDTH]
        if not texts:
            break
        widths[max(texts, key=lambda number: widths[number] - columns[number].least)] -= 1
    return widths


def _total(widths: Mapping[int, int]) -> int:
    return sum(widths.values()) + len(_GAP) * (len(widths) - 1)


def _wide(value: str) -> int:
    """Return the number of terminal columns that a value takes (Unicode Standard Annex 11)."""
    return len(value) if value.isascii() else sum(map(_columns, value))


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1
