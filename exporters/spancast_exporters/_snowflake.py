"""What Snowflake is told of the table, and what its answers mean (Snowflake, "SQL API reference").

A batch is one statement, whose only variable is the rows as JSON: what an application wrote is data, and no SQL. The
message of an error may quote a value that was sent, so only its code and its state are repeated.
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
"""Of the type for money, of 38 digits; dollars with more are rounded."""
MISSING = ("002003", "002043")
"""No such database, schema or table, or not for this role."""
OTHER_TABLE = ("000904", "002023")
"""A column that is not there, or of a type that the value is not; the second has a state as if it were of a value."""
NO_WAREHOUSE = ("000606",)
"""No warehouse is chosen, is there, or may be used by this role."""
FORBIDDEN = ("003001", "390186", "390189")
"""The role lacks a privilege, or is not the user's."""
_BAD_VALUE = "22"
"""The class of states for a value that cannot be what it should be (SQL, "Data exception")."""

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
"""How a value is made of its JSON; dollars are text there, since a number in JSON may become a float."""
_KEYS = ("TRACE_ID", "SPAN_ID")
_SECOND = len("2026-09-21T12:00:00")
_LONGEST_PLAIN = 255


def name(text: str) -> str:
    """Return how a statement writes a name: in quotes where it is no plain word. Raise `ValueError` for none."""
    if not text or not text.isprintable() or '"' in text or len(text) > _LONGEST_PLAIN:
        raise ValueError(f"{text!r} is no name in Snowflake. Give it without quotes.")
    return text if _PLAIN.fullmatch(text) else f'"{text}"'


def known_as(text: str) -> str:
    """Return a name as Snowflake lists it, in capitals where it is a plain word; so does the SQL API want it."""
    return text.upper() if _PLAIN.fullmatch(text) else text


def create(named: str) -> str:
    """Return the statement that makes the table, on one line."""
    columns = ", ".join(f"{column.name} {_TYPES[column.kind]}" for column in _traces_table.COLUMNS)
    return f"CREATE TABLE IF NOT EXISTS {named} ({columns})"


def complete(named: str) -> str:
    """Return the statement that gives another's table the columns which OpenRouter does not document."""
    ours = [column for column in _traces_table.COLUMNS if not column.documented]
    columns = ", ".join(f"{column.name} {_TYPES[column.kind]}" for column in ours)
    return f"ALTER TABLE {named} ADD COLUMN IF NOT EXISTS {columns}"


def merge(named: str, first: str, last: str) -> str:
    """Return the statement that brings in rows whose TIMESTAMP is within these; each row is there once.

    Without the bounds the whole table would be read for it. Dollars that are known stay where the later row has none.
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
    """Return the code that Snowflake answers; `None` where it answers none."""
    return _said(reply, "code")


def is_of_a_row(reply: Reply) -> bool:
    """Whether an error is about a value that was sent, so that other rows may pass."""
    if reply.status != UNPROCESSABLE or code(reply) in OTHER_TABLE:
        return False
    return (_said(reply, "sqlState") or "").startswith(_BAD_VALUE)


def reason(reply: Reply) -> str:
    """Return the status, and the code and the state of the error: `HTTP 422: code 002003, state 42S02`."""
    known, state = code(reply), _said(reply, "sqlState")
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


def _said(reply: Reply, field: str) -> str | None:
    answer = _json.read(reply.body.decode("utf-8", "replace"))
    stated = answer.get(field) if isinstance(answer, dict) else None
    return stated if isinstance(stated, str) and _CODE.fullmatch(stated) else None


_KINDS: dict[str, _traces_table.Kind] = {column.name: column.kind for column in _traces_table.COLUMNS}
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
_CODE = re.compile(r"[0-9A-Za-z]{5,6}")
