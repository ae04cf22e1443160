"""Calls as CSV (RFC 4180) and as lines of JSON, both in UTF-8. Money is a decimal in plain notation.

The formatter of a value is chosen once per column: a long ledger has forty times as many values as calls.
"""

import csv as table
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, BinaryIO

from spancast.base.money import plain
from spancast.bookkeeping.answers.calls import CallRow
from spancast.cli.exporting.columns import Column, Kind
from spancast.cli.exporting.pages import pages
from spancast.cli.output import instants

PAGE = 500
"""Calls that are written at once."""

_encode = json.JSONEncoder().encode
_END = "\r\n"
"""Ends a record; values with either character are quoted (RFC 4180, section 2)."""


def csv(rows: Iterable[CallRow], columns: Sequence[Column], out: BinaryIO) -> None:
    """Write a header and one record per call; unknown values are empty."""
    out.write(_records([[column.name for column in columns]]))
    cells = [_reader(column, _CELLS) for column in columns]
    out.writelines(_records([[cell(row) for cell in cells] for row in page]) for page in pages(rows, PAGE))


def jsonl(rows: Iterable[CallRow], columns: Sequence[Column], out: BinaryIO) -> None:
    """Write one object per call; unknown values are null."""
    members = [(column.name, _reader(column, _MEMBERS)) for column in columns]
    for page in pages(rows, PAGE):
        lines = [_encode({name: member(row) for name, member in members}) for row in page]
        out.write("".join(f"{line}\n" for line in lines).encode())


def _records(rows: Iterable[Sequence[object]]) -> bytes:
    lines = io.StringIO(newline="")
    table.writer(lines, lineterminator=_END).writerows(rows)
    return lines.getvalue().encode()


def _reader(column: Column, written: Mapping[Kind, Callable[[Any], object]]) -> Callable[[CallRow], object]:
    """Return a function that reads and formats a column of a call; an unknown value stays `None`."""
    if column.kind not in written:
        return column.read
    read, write = column.read, written[column.kind]

    def reader(row: CallRow) -> object:
        value = read(row)
        return None if value is None else write(value)

    return reader


def _flag(value: bool) -> str:
    return "true" if value else "false"


def _texts(value: Sequence[str]) -> str:
    return _encode(value) if value else "[]"


def _object(value: Mapping[str, object]) -> str:
    return _encode(value) if value else "{}"


_MEMBERS: Mapping[Kind, Callable[[Any], object]] = {"money": plain, "time": instants.written}
"""The formatters of values that JSON does not have."""
_CELLS: Mapping[Kind, Callable[[Any], object]] = {
    **_MEMBERS,
    "flag": _flag,
    "texts": _texts,
    "tags": _object,
    "json": _object,
}
"""The formatters of values that are neither text nor numbers in CSV."""
