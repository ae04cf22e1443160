"""The table's SQL in Snowflake, and the meaning of its answers (Snowflake, "SQL API reference").

A batch is one statement with the rows as JSON in its only variable, so that an application's text is never SQL. Error
messages may quote a value of the request, so only the code and the state are repeated.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

import msgspec

from spancast.contract import Reply
from spancast_exporters import _flat, _json, _traces_table

UNPROCESSABLE = 422
"""The status of a statement that failed."""
DONE = "090001"
"""The code of a statement that was executed."""
DECIMALS = 18
"""Decimals of the money type, which has 38 digits; dollars with more are rounded."""
MISSING = ("002003", "002043")
"""No such database, schema or table, or not for this role."""
OTHER_TABLE = ("000904", "002023")
"""A column is missing, or has another type; the latter has the SQL state of a bad value."""
NO_WAREHOUSE = ("000606",)
"""No warehouse is selected, exists, or may be used by this role."""
FORBIDDEN = ("003001", "390186", "390189")
"""The role lacks a privilege, or is not the user's."""
_BAD_VALUE = "22"
"""The class of SQL states for a bad value (SQL, "Data exception")."""

_TYPES: dict[_traces_table.Kind, str] = {
    "id": "VARCHAR NOT NULL",
    "time": "TIMESTAMP_NTZ",
    "word": "VARCHAR",
    "name": "VARCHAR",
    "text": "VARCHAR",
    "count": "NUMBER(38, 0)",
    "money": f"NUMBER(38, {DECIMALS})",
    "json": "VARIANT",
    "texts": "ARRAY",
}
_READ: dict[_traces_table.Kind, str] = {
    "time": "::VARCHAR::TIMESTAMP_NTZ",
    "count": "::NUMBER(38, 0)",
    "money": f"::VARCHAR::NUMBER(38, {DECIMALS})",
    "json": "",
    "texts": "::ARRAY",
}
"""The SQL that converts a value from JSON; dollars are text there, since a JSON number may become a float."""
_KEYS = ("TRACE_ID", "SPAN_ID")
_SECOND = len("2026-09-21T12:00:00")
_LONGEST_PLAIN = 255


def name(text: str) -> str:
    """Return a name for a statement, quoted where necessary; raise `ValueError` where it cannot be one."""
    if not text or not text.isprintable() or '"' in text or len(text) > _LONGEST_PLAIN:
        raise ValueError(f"{text!r} cannot be a name in Snowflake. Give it without quotes.")
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def known_as(text: str) -> str:
    """Return a name as Snowflake stores it, in capitals unless it is quoted, which the SQL API requires."""
    return text.upper() if _PLAIN.fullmatch(text) else text


def create(named: str) -> str:
    """Return the statement that creates the table, on one line."""
    columns = ", ".join(f"{column.name} {_TYPES[column.kind]}" for column in _traces_table.COLUMNS)
    return f"CREATE TABLE IF NOT EXISTS {named} ({columns})"


def complete(named: str) -> str:
    """Return the statement that adds the columns that OpenRouter does not document to an existing table."""
    ours = [column for column in _traces_table.COLUMNS if not column.documented]
    columns = ", ".join(f"{column.name} {_TYPES[column.kind]}" for column in ours)
    return f"ALTER TABLE {named} ADD COLUMN IF NOT EXISTS {columns}"


def merge(named: str, first: str, last: str) -> str:
    """Return the statement that inserts or updates rows with a TIMESTAMP between `first` and `last`.

    Without the bounds, Snowflake would scan the whole table. A known cost stays where the later row has none.
    """
    columns = _traces_table.COLUMNS
    read = ", ".join(f"r.VALUE:{each.name}{_READ.get(each.kind, '::VARCHAR')} AS {each.name}" for each in columns)
    updates = ", ".join(f"{each.name} = {_later(each)}" for each in columns if each.name not in _KEYS)
    names, values = (", ".join(f"{prefix}{each.name}" for each in columns) for prefix in ("", "s."))
    return (
        f"MERGE INTO {named} AS t USING (SELECT {read} "  # noqa: S608 - names are checked, and times are ours
        "FROM (SELECT PARSE_JSON(?) AS BATCH) AS b, LATERAL FLATTEN(INPUT => b.BATCH) AS r) AS s "
        "ON t.TRACE_ID = s.TRACE_ID AND t.SPAN_ID = s.SPAN_ID "
        f"AND t.TIMESTAMP BETWEEN '{first[:_SECOND]}'::TIMESTAMP_NTZ "
        f"AND '{last[:_SECOND]}.999999999'::TIMESTAMP_NTZ "
        f"WHEN MATCHED THEN UPDATE SET {updates} WHEN NOT MATCHED THEN INSERT ({names}) VALUES ({values})"
    )


def row(values: dict[str, _traces_table.Value]) -> bytes:
    """Return a row as JSON; what is unknown is left out."""
    cells = {name: _cell(_KINDS[name], value) for name, value in values.items() if value is not None}
    return msgspec.json.encode({name: cell for name, cell in cells.items() if cell is not None})


def spread(rows: Sequence[dict[str, _traces_table.Value]]) -> tuple[str, str]:
    """Return the first and the last TIMESTAMP of some rows."""
    times = [str(each["TIMESTAMP"]) for each in rows]
    return min(times), max(times)


def code(reply: Reply) -> str | None:
    """Return the code in Snowflake's answer, or `None`."""
    return _stated(reply, "code")


def is_of_a_row(reply: Reply) -> bool:
    """Whether an error is about a value in one row, so that other rows may be accepted."""
    if reply.status != UNPROCESSABLE or code(reply) in OTHER_TABLE:
        return False
    return (_stated(reply, "sqlState") or "").startswith(_BAD_VALUE)


def reason(reply: Reply) -> str:
    """Return the status, and the code and the state of the error: `HTTP 422: code 002003, state 42S02`."""
    known, state = code(reply), _stated(reply, "sqlState")
    stated = ", ".join(f"{what} {each}" for what, each in (("code", known), ("state", state)) if each)
    return f"HTTP {reply.status}: {stated}" if stated else f"HTTP {reply.status}"


def _later(column: _traces_table.Column) -> str:
    new = f"s.{column.name}"
    return f"COALESCE({new}, t.{column.name})" if column.kind == "money" else new


def _cell(kind: _traces_table.Kind, value: _traces_table.Value) -> object:
    if isinstance(value, Decimal):
        amount = _traces_table.rounded(value, DECIMALS)
        return None if amount is None else _flat.money(amount)
    if kind == "time" and isinstance(value, str):
        return value.removesuffix("Z")
    return msgspec.Raw(value.encode()) if kind == "json" and isinstance(value, str) else value


def _stated(reply: Reply, field: str) -> str | None:
    stated = _json.answer(reply).get(field)
    return stated if isinstance(stated, str) and _CODE.fullmatch(stated) else None


_KINDS: dict[str, _traces_table.Kind] = {column.name: column.kind for column in _traces_table.COLUMNS}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_CODE = re.compile(r"[0-9A-Za-z]{5,6}")
