"""Calls as CSV (RFC 4180) and as lines of JSON, both in UTF-8. Money is a decimal in plain notation."""

import csv as table
import io
import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from decimal import Decimal
from typing import BinaryIO

from spancast.bookkeeping.answers.calls import CallRow
from spancast.cli.exporting.columns import Column, Value
from spancast.money import plain

_END = "\r\n"
"""Of a record; what holds either character is quoted then (RFC 4180, section 2)."""


def csv(rows: Iterable[CallRow], columns: Sequence[Column], out: BinaryIO) -> None:
    """Write a line of titles and a record a call. What is unknown is empty."""
    out.write(_record([column.name for column in columns]))
    out.writelines(_record([_cell(column.read(row)) for column in columns]) for row in rows)


def jsonl(rows: Iterable[CallRow], columns: Sequence[Column], out: BinaryIO) -> None:
    """Write an object a call. What is unknown is null."""
    for row in rows:
        members = {column.name: _plain(column.read(row)) for column in columns}
        out.write(f"{json.dumps(members)}\n".encode())


def _record(cells: Sequence[str]) -> bytes:
    line = io.StringIO(newline="")
    table.writer(line, lineterminator=_END).writerow(cells)
    return line.getvalue().encode()


def _cell(value: Value) -> str:
    found = _plain(value)
    if found is None or isinstance(found, str):
        return found or ""
    return json.dumps(found)


def _plain(value: Value) -> object:
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%dT%H:%M:%S.%fZ}"
    return value
