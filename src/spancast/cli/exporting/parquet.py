"""Calls as a Parquet file, by pyarrow, which is imported on use.

Money is decimal128(38, 12), so that its sums are exact.
"""

import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from importlib.util import find_spec
from typing import Any, BinaryIO

from spancast.base import money
from spancast.bookkeeping.answers.calls import CallRow
from spancast.cli.exporting.columns import Column
from spancast.cli.exporting.pages import pages
from spancast.errors import SpancastError

DIGITS = 38
GROUP_ROWS = 10_000
"""Rows of a row group, and in memory at a time."""


def parquet(rows: Iterable[CallRow], columns: Sequence[Column], out: BinaryIO) -> None:
    """Write a file, compressed by zstandard; raise `SpancastError` for an amount that it cannot hold."""
    if find_spec("pyarrow") is None:
        raise SpancastError(
            'Parquet is written by pyarrow, which is not installed here: pip install "spancast[parquet]".'
        )
    import pyarrow as pa  # type: ignore[import-not-found,unused-ignore] # noqa: PLC0415 - for those who write Parquet
    from pyarrow import parquet as files  # type: ignore[import-not-found,unused-ignore] # noqa: PLC0415 - an extra

    kinds: dict[str, Any] = {
        "count": pa.int64(),
        "seconds": pa.float64(),
        "flag": pa.bool_(),
        "money": pa.decimal128(DIGITS, money.PICO),
        "time": pa.timestamp("us", "UTC"),
        "texts": pa.list_(pa.string()),
        "tags": pa.map_(pa.string(), pa.string()),
    }
    schema = pa.schema([(column.name, kinds.get(column.kind, pa.string())) for column in columns])
    with files.ParquetWriter(out, schema, compression="zstd") as writer:
        for group in pages(rows, GROUP_ROWS):
            values = zip(columns, schema, strict=True)
            arrays = [pa.array(_cells(column, group), field.type) for column, field in values]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _cells(column: Column, group: Sequence[CallRow]) -> list[Any]:
    """Return the values of a column, for pyarrow."""
    values: list[Any] = [column.read(row) for row in group]
    if column.kind == "money":
        _check(column, values)
    if column.kind == "tags":
        return [None if value is None else list(value.items()) for value in values]
    return [json.dumps(value) for value in values] if column.kind == "json" else values


def _check(column: Column, values: Iterable[Decimal | None]) -> None:
    for value in values:
        if value is not None and value.adjusted() >= DIGITS - money.PICO:
            raise SpancastError(
                f"A call has a {column.name} of {money.plain(value)}, which is more than Parquet's decimals hold. "
                "Write --format csv or jsonl, or leave that call out by a filter."
            )
