"""The files in a bucket: rows of OPENROUTER_TRACES, in folders named as by OpenRouter's Broadcast.

The name of a file depends only on its spans, and its folder on the day of its calls, so that the same spans sent again
are the same file, at any time. SENT_AT, after the columns of the table, shows the later of two rows of one span.
"""

import gzip
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import sha256
from itertools import groupby

from spancast.contract import Span
from spancast_exporters import _flat, _json, _otlp, _parquet, _traces_table

FORMATS = ("jsonl", "json", "parquet")
VARIABLES = ("date", "year", "month", "day", "apiKeyName")
"""Variables of a path (OpenRouter, "S3 / S3-Compatible"), except for `prefix`, which is part of the path here."""

_ROOM = 16 * 1024 * 1024
"""Bytes of the rows of one file, before compression."""
_Row = Mapping[str, _traces_table.Value]


@dataclass(frozen=True, slots=True)
class File:
    """One file."""

    key: str
    """Its path in the bucket."""
    body: bytes
    headers: Mapping[str, str]
    span_ids: tuple[str, ...]


def files(spans: Sequence[Span], at: datetime, path: str, form: str) -> Iterator[File]:
    """Yield the files of the spans; `at` is the time of sending."""
    sent_at = at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    found = [(_folder(span, path), {**_traces_table.row(span), "SENT_AT": sent_at}) for span in spans]
    for within, group in groupby(sorted(found, key=lambda each: each[0]), key=lambda each: each[0]):
        for rows, lines in _batches([row for _, row in group], single=form == "json"):
            yield _file(within, form, rows, lines)


def folder(path: str, at: datetime, key: str | None) -> str:
    """Return the folder for calls at a time, in UTC, made with a key, given by its hash."""
    known = {"date": f"{at:%Y-%m-%d}", "year": f"{at:%Y}", "month": f"{at:%m}", "day": f"{at:%d}"}
    known["apiKeyName"] = key or "unknown"
    return re.sub(r"\{(\w+)\}", lambda found: known[found[1]], path).strip("/")


def _folder(span: Span, path: str) -> str:
    began = datetime.fromtimestamp(max(0, span.start) // 10**9, UTC)
    return folder(path, began, None if span.generation is None else span.generation.key_hash)


def _batches(rows: Sequence[_Row], *, single: bool) -> Iterator[tuple[Sequence[_Row], Sequence[bytes]]]:
    """Yield the rows of each file, and their lines."""
    lines = [_line(row) for row in rows]
    if single:
        yield from (([row], [line]) for row, line in zip(rows, lines, strict=True))
        return
    numbered = ((str(number), line) for number, line in enumerate(lines))
    for numbers, batch in _otlp.batches(numbered, _ROOM):
        yield [rows[int(each)] for each in numbers], batch


def _file(within: str, form: str, rows: Sequence[_Row], lines: Sequence[bytes]) -> File:
    ids, body = tuple(str(row["SPAN_ID"]) for row in rows), b"".join(lines)
    if form == "json":
        name = f"{rows[0]['TRACE_ID']}-{ids[0]}.json"
        return File(f"{within}/{name}", body, {"content-type": "application/json"}, ids)
    if form == "parquet":
        headers = {"content-type": "application/vnd.apache.parquet"}
        return File(f"{within}/{_name(rows)}.parquet", _parquet.file(rows), headers, ids)
    headers = {"content-encoding": "gzip", "content-type": "application/x-ndjson"}
    return File(f"{within}/{_name(rows)}.jsonl.gz", gzip.compress(body, compresslevel=6, mtime=0), headers, ids)


def _name(rows: Sequence[_Row]) -> str:
    """Return the time of the first call, which orders listings, and a hash of the spans."""
    first = min(str(row["TIMESTAMP"]) for row in rows)
    identity = "\n".join(sorted(f"{row['TRACE_ID']} {row['SPAN_ID']}" for row in rows))
    return f"{first[11:19].replace(':', '')}-{sha256(identity.encode()).hexdigest()[:32]}"


def _line(row: _Row) -> bytes:
    """Return a row as a line of JSON. Money is text, to the last digit; what is unknown is left out."""
    cells = {name: _flat.money(value) if isinstance(value, Decimal) else value for name, value in row.items()}
    return _json.encoded({name: value for name, value in cells.items() if value is not None}) + b"\n"
