"""Rows of OPENROUTER_TRACES as a Parquet file, by pyarrow, which is imported when the first is made."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from importlib.util import find_spec
from typing import Any

from spancast_exporters import _traces_table

DECIMALS = 18
"""Decimals of dollars, of 38 digits."""


def is_installed() -> bool:
    """Whether pyarrow is installed, without importing it."""
    return find_spec("pyarrow") is not None


def file(rows: Sequence[Mapping[str, _traces_table.Value]]) -> bytes:
    """Return a file, compressed by zstandard. The columns are those of the table, and SENT_AT behind them."""
    import pyarrow as pa  # type: ignore[import-not-found,unused-ignore] # noqa: PLC0415 - for those who write Parquet
    from pyarrow import parquet  # type: ignore[import-not-found,unused-ignore] # noqa: PLC0415 - an extra

    types = {
        "time": pa.timestamp("us", "UTC"),
        "count": pa.int64(),
        "money": pa.decimal128(38, DECIMALS),
        "texts": pa.list_(pa.string()),
    }
    columns = (*_traces_table.COLUMNS, _traces_table.Column("SENT_AT", "time", documented=False))
    schema = pa.schema([(column.name, types.get(column.kind, pa.string())) for column in columns])
    made = [{column.name: _cell(column.kind, row[column.name]) for column in columns} for row in rows]
    sink = pa.BufferOutputStream()
    parquet.write_table(pa.Table.from_pylist(made, schema=schema), sink, compression="zstd")
    return bytes(sink.getvalue().to_pybytes())


def _cell(kind: _traces_table.Kind, value: _traces_table.Value) -> Any:
    if isinstance(value, Decimal):
        return _traces_table.rounded(value, DECIMALS)
    if isinstance(value, int):
        return value if value < _TOO_MANY else None
    return datetime.fromisoformat(value) if kind == "time" and isinstance(value, str) else value


_TOO_MANY = 2**63
