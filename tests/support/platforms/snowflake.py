"""Snowflake's SQL API as its clients see it (Snowflake, "SQL API reference"): statements, one table, error codes."""

import json
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from hashlib import sha256
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.support.platform import JSON, Platform, Received, answer, in_json
from tests.support.platforms import tokens, warehouse

ACCOUNT = "xy12345.us-east-1"
USER = "ada"
TOKEN = "pat-0123456789"
TABLE = "SNOWFLAKE_LEARNING_DB.PUBLIC.OPENROUTER_TRACES"
COLUMNS = warehouse.columns_of("snowflake.md")
HANDLE = "01b4f9d4-3202-9f46-0000-0001cf56d011"
DONE = {
    "resultSetMetaData": {"numRows": 1, "format": "jsonv2"},
    "data": [["1", "0"]],
    "code": "090001",
    "statementStatusUrl": f"/api/v2/statements/{HANDLE}",
    "sqlState": "00000",
    "statementHandle": HANDLE,
    "message": "Statement executed successfully.",
    "createdOn": 1718259164549,
}
_VALID = {
    "VARCHAR": warehouse.is_text,
    "TIMESTAMP_NTZ": lambda value: warehouse.is_time(value) and not re.search(r"[Z+]", value),
    "NUMBER(38, 0)": warehouse.is_count,
    "NUMBER(38, 18)": lambda value: warehouse.is_dollars(value) and len(value.partition(".")[2]) <= 18,
    "VARIANT": warehouse.is_value,
    "ARRAY": warehouse.is_texts,
}
_MERGE = re.compile(
    rf"MERGE INTO {re.escape(TABLE)} AS t USING \(SELECT (?P<read>.*) FROM \(SELECT PARSE_JSON\(\?\) AS BATCH\) AS b, "
    r"LATERAL FLATTEN\(INPUT => b\.BATCH\) AS r\) AS s "
    r"ON t\.TRACE_ID = s\.TRACE_ID AND t\.SPAN_ID = s\.SPAN_ID "
    r"AND t\.TIMESTAMP BETWEEN '(?P<first>[\d:T-]{19})'::TIMESTAMP_NTZ "
    r"AND '(?P<last>[\d:T-]{19}\.9{9})'::TIMESTAMP_NTZ "
    r"WHEN MATCHED THEN UPDATE SET (?P<set>.*) WHEN NOT MATCHED THEN INSERT \((?P<names>.*)\) VALUES \((?P<values>.*)\)"
)


class Account:
    """One account with one table, and what was asked of it."""

    def __init__(self, public: RSAPublicKey | None = None) -> None:
        self.rows: dict[tuple[str, str], dict[str, Any]] = {}
        """By TRACE_ID and SPAN_ID."""
        self.request_ids: list[UUID] = []
        self.asked: list[dict[str, Any]] = []
        self._public = public

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        status, body = self.answered(received)
        answer(status, JSON, json.dumps(body).encode())(handler, received)
        return False

    def answered(self, received: Received) -> tuple[int, dict[str, Any]]:
        """Take what is sent; return the status and the body."""
        parts = urlsplit(received.path)
        query = parse_qs(parts.query)
        assert (parts.path, query.pop("retry"), received.method) == ("/api/v2/statements", ["true"], "POST")
        self.request_ids.append(UUID(query.pop("requestId")[0]))
        assert not query
        for name in ("accept", "content-type"):
            assert received.headers[name] == "application/json"
        refused = self._refused(received.headers)
        if refused is not None:
            return 401, {"code": refused, "message": "Invalid OAuth access token or JWT."}
        said = json.loads(received.body, parse_float=Decimal)
        self.asked.append(said)
        self._merge(said)
        return 200, DONE

    def _refused(self, headers: dict[str, str]) -> str | None:
        """Return the code of what is wrong with the credential."""
        scheme, _, token = headers["authorization"].partition(" ")
        assert scheme == "Bearer"
        kind = headers["x-snowflake-authorization-token-type"]
        if self._public is None:
            return None if (kind, token) == ("PROGRAMMATIC_ACCESS_TOKEN", TOKEN) else "390303"
        assert kind == "KEYPAIR_JWT"
        try:
            header, claims = tokens.verified(token, self._public)
        except InvalidSignature:
            return "390144"
        public = self._public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        shown = b64encode(sha256(public).digest()).decode()
        assert header == {"alg": "RS256", "typ": "JWT"}
        assert set(claims) == {"iss", "sub", "iat", "exp"}
        assert (claims["sub"], claims["iss"]) == ("XY12345.ADA", f"XY12345.ADA.SHA256:{shown}")
        assert claims["iat"] <= time.time() < claims["exp"] <= claims["iat"] + 3600
        return None

    def _merge(self, said: dict[str, Any]) -> None:
        assert set(said) == {"statement", "timeout", "warehouse", "bindings", "parameters"}
        assert (said["warehouse"], said["timeout"]) == ("COMPUTE_WH", 60)
        assert said["parameters"] == {"timezone": "UTC", "query_tag": "spancast"}
        assert set(said["bindings"]) == {"1"}
        assert said["bindings"]["1"]["type"] == "TEXT"
        found = _MERGE.fullmatch(said["statement"])
        assert found, said["statement"]
        assert said["statement"].count("?") == 1
        assert found["names"].split(", ") == list(COLUMNS)
        assert found["values"].split(", ") == [f"s.{name}" for name in COLUMNS]
        assert re.findall(r" AS (\w+)", found["read"]) == list(COLUMNS)
        assert re.findall(r"(\w+) = ", found["set"]) == list(COLUMNS)[2:]
        for row in json.loads(said["bindings"]["1"]["value"], parse_float=Decimal):
            warehouse.check(row, COLUMNS, _VALID)
            assert found["first"] <= row["TIMESTAMP"] <= found["last"]
            key = row["TRACE_ID"], row["SPAN_ID"]
            known = {name: value for name, value in self.rows.get(key, {}).items() if "COST" in name}
            self.rows[key] = {**known, **row}


def failing(status: int, code: str, state: str = "42000", message: str = "SQL compilation error.") -> Any:
    """Answer with an error, as Snowflake writes it."""
    return in_json(status, error(code, state, message))


def error(code: str, state: str = "42000", message: str = "SQL compilation error.") -> dict[str, Any]:
    """Return the body of an error (QueryFailureStatus)."""
    return {
        "code": code,
        "message": message,
        "sqlState": state,
        "statementHandle": HANDLE,
        "createdOn": 1718259164549,
        "statementStatusUrl": f"/api/v2/statements/{HANDLE}",
    }


RUNNING = {
    "code": "333334",
    "message": "Asynchronous execution in progress. Use provided query id to perform query monitoring and management.",
    "statementHandle": HANDLE,
    "statementStatusUrl": f"/api/v2/statements/{HANDLE}",
}
"""What is said of a statement that is under way (202)."""


@contextmanager
def snowflake(*first: Any, public: RSAPublicKey | None = None) -> Iterator[tuple[Account, Platform]]:
    """Open a Snowflake that gives the `first` answers before its own, to those with `TOKEN` or with the key."""
    account = Account(public)
    with Platform(*first, account).open() as platform:
        yield account, platform
