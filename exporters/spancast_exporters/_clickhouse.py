"""The table's SQL in ClickHouse, and the meaning of its exceptions (ClickHouse, "HTTP Interface", "ErrorCodes.cpp").

The code of an exception is in `X-ClickHouse-Exception-Code`, or only in the body where it occurred after the status had
been sent. The text may quote the rows of the request, so only the code and its name are repeated.
"""

import re
from collections.abc import Mapping, Sequence

from spancast.contract import Reply, Span
from spancast_exporters import _traces_table

NO_DATABASE = 81
"""UNKNOWN_DATABASE."""
MISSING = (60, NO_DATABASE)
"""UNKNOWN_TABLE, and the above."""
LOGIN_REFUSED = (192, 193, 194, 516)
"""UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED."""
FORBIDDEN = (164, 497)
"""READONLY, ACCESS_DENIED."""
OTHER_TABLE = (16, 47, 53, 115)
"""NO_SUCH_COLUMN_IN_TABLE, UNKNOWN_IDENTIFIER, TYPE_MISMATCH, UNKNOWN_SETTING: about the table or the server, and not
about a row."""
BAD_ROW = (6, 26, 27, 33, 38, 41, 69, 72, 117, 130, 349)
"""CANNOT_PARSE_TEXT and its siblings, CANNOT_READ_ALL_DATA, ARGUMENT_OUT_OF_BOUND, INCORRECT_DATA, ...: about a
value."""
UNCERTAIN = (159, 209, 210, 319, 394, 999)
"""TIMEOUT_EXCEEDED, SOCKET_TIMEOUT, NETWORK_ERROR, UNKNOWN_STATUS_OF_INSERT, QUERY_WAS_CANCELLED, KEEPER_EXCEPTION: of
an insert that has begun, and may be in."""
_BROKEN_OFF = (500, 502, 504)
"""Statuses of a proxy that forwarded the request but got no complete answer; with 503 and 429 it did not."""

_TYPES: Mapping[_traces_table.Kind, str] = {
    "id": "String",
    "time": "DateTime64(3, 'UTC')",
    "word": "LowCardinality(String)",
    "name": "LowCardinality(Nullable(String))",
    "text": "Nullable(String)",
    "count": "Nullable(UInt64)",
    "money": "Nullable(Decimal(38, 18))",
    "json": "String",
    "texts": "Array(String)",
}
DECIMALS = 18
"""Of the type for money; dollars with more are rounded."""
WINDOW = 10_000
"""Inserts whose tokens the table remembers; the default of a table that is not replicated is none."""


def table(database: str, name: str) -> str:
    """Return the quoted name of the table; raise `ValueError` for a name that cannot be quoted."""
    for each in (database, name):
        if not each or not each.isprintable() or set(each) & set(".`\\"):
            raise ValueError(f"{each!r} cannot be the name of a database or table. Give it without quotes.")
    return f"{_name(database)}.{_name(name)}"


def create(named: str) -> str:
    """Return the statement that creates the table, on one line."""
    columns = ", ".join(f"{column.name} {_TYPES[column.kind]}" for column in _traces_table.COLUMNS)
    return (
        f"CREATE TABLE IF NOT EXISTS {named} ({columns}) ENGINE = MergeTree PARTITION BY toYYYYMM(TIMESTAMP) "
        f"ORDER BY (TIMESTAMP, TRACE_ID, SPAN_ID) SETTINGS non_replicated_deduplication_window = {WINDOW}"
    )


def check_query(named: str) -> str:
    """Return an insert of no rows: it checks both grants, the table, and the columns that OpenRouter documents."""
    columns = ", ".join(column.name for column in _traces_table.COLUMNS if column.documented)
    return f"INSERT INTO {named} ({columns}) SELECT {columns} FROM {named} WHERE 0"  # noqa: S608 - names are checked


def rows_query(named: str, spans: Sequence[Span]) -> str:
    """Return the query for which of these spans have rows."""
    starts = [max(span.start, 0) // 1_000_000 for span in spans]
    wanted = ", ".join(f"({_quoted(span.trace_id)}, {_quoted(span.span_id)})" for span in spans)
    return (
        f"SELECT DISTINCT TRACE_ID, SPAN_ID FROM {named} "  # noqa: S608 - names are checked, and texts quoted
        f"WHERE TIMESTAMP BETWEEN fromUnixTimestamp64Milli({min(starts)}) "
        f"AND fromUnixTimestamp64Milli({max(starts) + 1}) AND (TRACE_ID, SPAN_ID) IN ({wanted}) FORMAT JSONCompact"
    )


def code(reply: Reply) -> int | None:
    """Return the code of the exception in a reply, or `None`."""
    stated = reply.headers.get("x-clickhouse-exception-code", "").strip()
    if stated.isascii() and stated.isdigit():
        return int(stated[:9])
    found = _CODE.search(reply.body[-_TAIL:]) or _CODE.search(reply.body[:_TAIL])
    return None if found is None else int(found[1])


def is_uncertain(reply: Reply) -> bool:
    """Whether a failed insert may have been executed (ClickHouse, "Deduplicating inserts on retries")."""
    known = code(reply)
    return known in UNCERTAIN or (known is None and reply.status in _BROKEN_OFF)


def reason(reply: Reply) -> str:
    """Return the status, and the code and the name of the exception: `HTTP 404: code 60, UNKNOWN_TABLE`."""
    known = code(reply)
    if known is None:
        return f"HTTP {reply.status}"
    named = _NAME.findall(reply.body[-_TAIL:])
    name = f", {named[-1].decode()}" if named else ""
    return f"HTTP {reply.status}: code {known}{name}"


def is_clickhouse(reply: Reply) -> bool:
    """Whether ClickHouse itself answers, and not an intermediary: it always sends headers of its own."""
    return any(name.startswith("x-clickhouse-") for name in reply.headers)


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _name(text: str) -> str:
    return text if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", text) else f"`{text}`"


_CODE = re.compile(rb"Code: (\d{1,9})\. DB::")
_NAME = re.compile(rb"\(([A-Z][A-Z0-9_]{2,60})\)")
_TAIL = 4096
"""Bytes at each end of a body that are searched for an exception."""
