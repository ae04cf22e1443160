"""ClickHouse's HTTP interface as its clients see it: inserts by token, rows of one table, codes of exceptions."""

import gzip
import json
import re
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.support.platform import Platform, Received, answer

PASSWORD = "pa55word"
SPEAKS = {"x-clickhouse-summary": "{}", "content-type": "text/plain; charset=UTF-8"}
_TEXTS = (
    *("TRACE_ID", "SPAN_ID", "PARENT_SPAN_ID", "SPAN_TYPE", "STATUS", "LEVEL", "USER_ID", "SESSION_ID"),
    *("API_KEY_NAME", "MODEL", "PROVIDER_NAME", "FINISH_REASON"),
)
_TIMES = ("TIMESTAMP", "START_TIME", "END_TIME")
_COUNTS = (
    *("DURATION_MS", "PROMPT_TOKENS", "COMPLETION_TOKENS", "TOTAL_TOKENS"),
    *("CACHED_TOKENS", "CACHE_WRITE_TOKENS", "REASONING_TOKENS"),
)
_COSTS = ("INPUT_COST", "OUTPUT_COST", "TOTAL_COST")
_OBJECTS = ("METADATA", "MODEL_PARAMETERS", "ATTRIBUTES", "RESOURCE_ATTRIBUTES")
_ALWAYS = ("TRACE_ID", "SPAN_ID", *_TIMES, "DURATION_MS", "SPAN_TYPE", "STATUS", "LEVEL", "TAGS")


class Table:
    """One table, and what was asked of it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        """Of every insert, those that were one already included."""
        self.asked: list[str] = []
        """Every other query."""

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        status, body, code = self.answered(received)
        headers = SPEAKS if code is None else {**SPEAKS, "x-clickhouse-exception-code": str(code)}
        answer(status, headers, body)(handler, received)
        return False

    def answered(self, received: Received) -> tuple[int, bytes, int | None]:
        """Take what is sent; return the status, the body and the code of an exception."""
        kind, _, credential = received.headers.get("authorization", "").partition(" ")
        if (kind, b64decode(credential)) != ("Basic", f"default:{PASSWORD}".encode()):
            return 403, exception(516, "AUTHENTICATION_FAILED"), 516
        settings = dict(parse_qsl(urlsplit(received.path).query))
        if "query" not in settings:
            return 200, self._selected(received.body.decode()), None
        assert settings.pop("query") == "INSERT INTO default.OPENROUTER_TRACES FORMAT JSONEachRow"
        self._insert(settings, gzip.decompress(received.body))
        return 200, b"", None

    def _insert(self, settings: dict[str, str], body: bytes) -> None:
        token = settings.pop("insert_deduplication_token")
        assert settings == {
            "async_insert": "0",
            "date_time_input_format": "best_effort",
            "deduplicate_blocks_in_dependent_materialized_views": "1",
            "input_format_skip_unknown_fields": "1",
        }
        rows = [json.loads(line, parse_float=Decimal) for line in body.splitlines()]
        for row in rows:
            _check(row)
        if token not in self.tokens:
            self.rows += rows
        self.tokens.append(token)

    def _selected(self, query: str) -> bytes:
        self.asked.append(query)
        if not query.startswith("SELECT"):
            return b""
        wanted = set(re.findall(r"\('([0-9a-f]{32})', '([0-9a-f]{16})'\)", query))
        found = [[row["TRACE_ID"], row["SPAN_ID"]] for row in self.rows]
        data = [each for each in found if tuple(each) in wanted]
        return json.dumps({"meta": [], "data": data, "rows": len(data)}).encode()


def exception(code: int, name: str, words: str = "default: no.") -> bytes:
    """Return the body of an exception, as ClickHouse writes it."""
    return f"Code: {code}. DB::Exception: {words} ({name}) (version 26.9.2.1 (official build))\n".encode()


def _check(row: dict[str, Any]) -> None:
    known = {*_TEXTS, *_TIMES, *_COUNTS, *_COSTS, *_OBJECTS, "INPUT", "OUTPUT", "TAGS"}
    assert set(_ALWAYS) <= set(row) <= known
    assert all(isinstance(row.get(name, ""), str) for name in _TEXTS)
    assert all(datetime.fromisoformat(row[name]).tzinfo is not None for name in _TIMES)
    assert all(type(row.get(name, 0)) is int and row.get(name, 0) >= 0 for name in _COUNTS)
    assert all(re.fullmatch(r"-?\d+(\.\d{1,18})?", row.get(name, "0")) for name in _COSTS)
    assert all(isinstance(json.loads(row.get(name, "{}")), dict) for name in _OBJECTS)
    assert all(name not in row or json.loads(row[name]) is not None for name in ("INPUT", "OUTPUT"))
    assert all(isinstance(each, str) for each in row["TAGS"])


@contextmanager
def clickhouse(*first: Any) -> Iterator[tuple[Table, Platform]]:
    """Open a ClickHouse that gives the `first` answers before its own."""
    table = Table()
    with Platform(*first, table).open() as platform:
        yield table, platform


def failing(status: int, code: int, name: str, words: str = "default: no.") -> Any:
    """Answer with an exception."""
    return answer(status, {**SPEAKS, "x-clickhouse-exception-code": str(code)}, exception(code, name, words))
