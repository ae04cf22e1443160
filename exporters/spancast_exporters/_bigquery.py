"""The table's SQL in BigQuery, and the meaning of its answers (BigQuery REST API, `tabledata.insertAll`).

An error has a reason, which is one word; its message may quote a value of the request, and is not repeated. Numbers are
sent as text: Google's APIs read a number in JSON as a float (protobuf, `Struct`).
"""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from spancast.contract import Reply, Span
from spancast_exporters import _flat, _json, _traces_table

DECIMALS, _DIGITS = 38, 76
"""Decimals and digits of BIGNUMERIC; some values may have a 77th digit, which dollars do not need."""
INVALID = "invalid"
"""The reason of a row with a value that its column does not take."""
BUSY = ("rateLimitExceeded", "quotaExceeded", "backendError", "internalError", "userRateLimitExceeded")
"""Reasons that may be temporary, even with a 403 (BigQuery, "Error messages")."""
OTHER_TABLE = "invalidQuery"
"""The reason of a query for columns that the table lacks."""

_TYPES: Mapping[_traces_table.Kind, str] = {
    "id": "STRING NOT NULL",
    "time": "TIMESTAMP",
    "word": "STRING",
    "name": "STRING",
    "text": "STRING",
    "count": "INT64",
    "money": "BIGNUMERIC",
    "json": "JSON",
    "texts": "ARRAY<STRING>",
}
_LARGEST = 2**63
_SECOND = 10**9


def table(project: str, dataset: str, name: str) -> str:
    """Return the quoted name of the table; raise `ValueError` for a name that BigQuery does not allow."""
    for what, text, pattern in (("project", project, _PROJECT), ("dataset", dataset, _NAME), ("table", name, _NAME)):
        if not pattern.fullmatch(text):
            raise ValueError(f"{what} cannot be {text!r}. Give its ID alone, as BigQuery's console shows it.")
    return f"`{project}.{dataset}.{name}`"


def create(named: str) -> str:
    """Return the statement that creates the table, on one line."""
    columns = ", ".join(f"{column.name.lower()} {_TYPES[column.kind]}" for column in _traces_table.COLUMNS)
    return f"CREATE TABLE IF NOT EXISTS {named} ({columns}) PARTITION BY DATE(timestamp) CLUSTER BY span_type, user_id"


def row(span: Span) -> bytes:
    """Return a span as a row with its insert id, as JSON; what is unknown is left out."""
    values = _traces_table.row(span)
    cells = {name.lower(): _cell(value) for name, value in values.items() if value is not None}
    known = {name: cell for name, cell in cells.items() if cell is not None}
    return _json.encoded({"insertId": f"{span.trace_id}-{span.span_id}", "json": known})


def check_query(named: str) -> dict[str, Any]:
    """Return a dry run of a query for the columns that OpenRouter documents."""
    columns = ", ".join(column.name.lower() for column in _traces_table.COLUMNS if column.documented)
    return {"query": f"SELECT {columns} FROM {named}", "useLegacySql": False, "dryRun": True}  # noqa: S608 - as below


def rows_query(named: str, spans: Sequence[Span]) -> dict[str, Any]:
    """Return the query for which of these spans have rows; the times limit it to their partitions."""
    starts = [max(span.start, 0) // _SECOND for span in spans]
    query = (
        f"SELECT DISTINCT CONCAT(trace_id, '-', span_id) FROM {named} "  # noqa: S608 - names are checked, ids are data
        "WHERE timestamp BETWEEN TIMESTAMP_SECONDS(@first) AND TIMESTAMP_SECONDS(@last) "
        "AND CONCAT(trace_id, '-', span_id) IN UNNEST(@wanted)"
    )
    ids = [{"value": f"{span.trace_id}-{span.span_id}"} for span in spans]
    texts = {"type": "ARRAY", "arrayType": {"type": "STRING"}}
    return {
        "query": query,
        "useLegacySql": False,
        "timeoutMs": 8_000,
        "parameterMode": "NAMED",
        "queryParameters": [
            _parameter("first", {"type": "INT64"}, {"value": str(min(starts))}),
            _parameter("last", {"type": "INT64"}, {"value": str(max(starts) + 1)}),
            _parameter("wanted", texts, {"arrayValues": ids}),
        ],
    }


def listed(reply: Reply) -> set[str] | None:
    """Return the ids of the rows that a query found; `None` where the answer is incomplete."""
    answer = _json.answer(reply)
    rows = _list(answer, "rows")
    if not is_query(reply) or answer.get("errors") or answer.get("totalRows") != str(len(rows)):
        return None
    return {str(cell.get("v")) for each in rows for cell in _list(each, "f") if isinstance(cell, dict)}


def is_query(reply: Reply) -> bool:
    """Whether it is the answer to a completed query."""
    answer = _json.answer(reply)
    known = answer.get("kind") == "bigquery#queryResponse" and answer.get("jobComplete") is True
    return reply.status == 200 and known  # noqa: PLR2004 - OK


def is_acknowledged(reply: Reply) -> bool:
    """Whether it is the answer to an insert, whatever it states of the rows."""
    return reply.status == 200 and _json.answer(reply).get("kind") == "bigquery#tableDataInsertAllResponse"  # noqa: PLR2004 - HTTP's own number


def refused(reply: Reply) -> dict[int, tuple[str, ...]]:
    """Return the reasons of rows that were not inserted, by their index: `invalid (total_cost)`."""
    found = {}
    for each in _list(_json.answer(reply), "insertErrors"):
        place = each.get("index", 0) if isinstance(each, dict) else 0
        errors = [error for error in _list(each, "errors") if isinstance(error, dict)]
        if isinstance(place, int):
            found[place] = tuple(_row_error(error) for error in errors) or ("unknown",)
    return found


def why(reply: Reply) -> str | None:
    """Return the reason of an error of the whole request, or `None`."""
    error = _json.answer(reply).get("error")
    reasons = [each.get("reason") for each in _list(error, "errors") if isinstance(each, dict)]
    return next((each for each in reasons if isinstance(each, str) and _WORD.fullmatch(each)), None)


def reason(reply: Reply) -> str:
    """Return the status and the reason: `HTTP 403: accessDenied`."""
    known = why(reply)
    return f"HTTP {reply.status}: {known}" if known else f"HTTP {reply.status}"


def _cell(value: _traces_table.Value) -> object:
    if isinstance(value, Decimal):
        amount = _traces_table.rounded(value, DECIMALS, _DIGITS)
        return None if amount is None else _flat.money(amount)
    if isinstance(value, int):
        return str(value) if value < _LARGEST else None
    return value


def _parameter(name: str, kind: dict[str, Any], value: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "parameterType": kind, "parameterValue": value}


def _row_error(error: Mapping[str, Any]) -> str:
    stated, column = str(error.get("reason", "")), str(error.get("location", ""))
    word = stated if _WORD.fullmatch(stated) else "unknown"
    return f"{word} ({column})" if _COLUMN.fullmatch(column) else word


def _list(holder: object, name: str) -> list[Any]:
    found = holder.get(name) if isinstance(holder, Mapping) else None
    return found if isinstance(found, list) else []


_PROJECT = re.compile(r"(?:[a-z0-9.-]{1,100}:)?[a-z][a-z0-9-]{2,62}")
_NAME = re.compile(r"[A-Za-z0-9_]{1,1024}")
_WORD = re.compile(r"[A-Za-z]{1,40}")
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_.\[\]]{0,60}")
