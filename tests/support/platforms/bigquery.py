"""BigQuery's REST API and Google's tokens as their clients see them: inserts, queries, insert ids, error reasons."""

import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature

from tests.support.platform import JSON, Platform, Received, answer, in_json
from tests.support.platforms import tokens, warehouse

PROJECT = "my-project"
TABLE = f"`{PROJECT}.openrouter.openrouter_traces`"
COLUMNS = {name.upper(): kind for name, kind in warehouse.columns_of("bigquery.md").items()}
EMAIL = "spancast@my-project.iam.gserviceaccount.com"
KEY_ID = "0123456789abcdef0123456789abcdef01234567"
SCOPE = "https://www.googleapis.com/auth/bigquery"
INSERTED = {"kind": "bigquery#tableDataInsertAllResponse"}
_BASE = f"/bigquery/v2/projects/{PROJECT}"
_VALID = {
    "STRING": warehouse.is_text,
    "TIMESTAMP": lambda value: warehouse.is_time(value) and datetime.fromisoformat(value).tzinfo is not None,
    "INT64": lambda value: isinstance(value, str) and value.isdigit() and int(value) < 2**63,
    "BIGNUMERIC": warehouse.is_dollars,
    "JSON": warehouse.is_json_text,
    "ARRAY<STRING>": warehouse.is_texts,
}


def key_file(token_uri: str, key: Any = None, **other: Any) -> str:
    """Return the JSON key of a service account, as Google Cloud gives it."""
    said = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": KEY_ID,
        "private_key": tokens.pem(key or tokens.private_key()),
        "client_email": EMAIL,
        "client_id": "123456789012345678901",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": token_uri,
        "auth_provider_x509_cert_url": "https://www.googleapis.com/oauth2/v1/certs",
        "universe_domain": "googleapis.com",
    }
    return json.dumps({**said, **other}, indent=2)


class Project:
    """A project with one table and one account, and what was asked of it."""

    def __init__(self) -> None:
        self.rows: list[dict[str, Any]] = []
        """By the names of the columns in capitals."""
        self.insert_ids: list[str] = []
        self.asked: list[dict[str, Any]] = []
        """Every query."""
        self.granted: list[str] = []
        self.token_uri = ""

    def __call__(self, handler: BaseHTTPRequestHandler, received: Received) -> bool:
        status, body = self.answered(received)
        answer(status, JSON, json.dumps(body).encode())(handler, received)
        return False

    def answered(self, received: Received) -> tuple[int, dict[str, Any]]:
        """Take what is sent; return the status and the body."""
        assert received.method == "POST"
        assert received.headers["accept"] == "application/json"
        if received.path == "/token":
            return self._token(received)
        assert received.headers["content-type"] == "application/json"
        scheme, _, token = received.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or token not in self.granted:
            return 401, error(401, "authError", "UNAUTHENTICATED")
        said = json.loads(received.body, parse_float=Decimal)
        if received.path == f"{_BASE}/queries?prettyPrint=false":
            return 200, self._query(said)
        assert received.path == f"{_BASE}/datasets/openrouter/tables/openrouter_traces/insertAll"
        return 200, self._insert(said)

    def _token(self, received: Received) -> tuple[int, dict[str, Any]]:
        assert received.headers["content-type"] == "application/x-www-form-urlencoded"
        said = {name: value for name, (value,) in parse_qs(received.body.decode()).items()}
        assert set(said) == {"grant_type", "assertion"}
        assert said["grant_type"] == "urn:ietf:params:oauth:grant-type:jwt-bearer"
        try:
            header, claims = tokens.verified(said["assertion"], tokens.private_key().public_key())
        except InvalidSignature:
            return 400, {"error": "invalid_grant", "error_description": f"Invalid JWT: {said['assertion']}"}
        assert header == {"alg": "RS256", "typ": "JWT", "kid": KEY_ID}
        assert set(claims) == {"iss", "scope", "aud", "iat", "exp"}
        assert (claims["iss"], claims["scope"], claims["aud"]) == (EMAIL, SCOPE, self.token_uri)
        assert claims["exp"] - claims["iat"] == 3600
        assert abs(claims["iat"] - time.time()) < 60
        self.granted.append(f"ya29.token-{len(self.granted)}")
        return 200, {"access_token": self.granted[-1], "expires_in": 3599, "token_type": "Bearer"}

    def _insert(self, said: dict[str, Any]) -> dict[str, Any]:
        assert set(said) == {"skipInvalidRows", "ignoreUnknownValues", "rows"}
        assert said["skipInvalidRows"] is said["ignoreUnknownValues"] is True
        assert 0 < len(said["rows"]) <= 500
        for each in said["rows"]:
            assert set(each) == {"insertId", "json"}
            assert 0 < len(each["insertId"]) <= 128
            row = {name.upper(): value for name, value in each["json"].items()}
            assert all(name.islower() for name in each["json"])
            warehouse.check(row, COLUMNS, _VALID)
            if each["insertId"] not in self.insert_ids:
                self.rows.append(row)
            self.insert_ids.append(each["insertId"])
        return INSERTED

    def _query(self, said: dict[str, Any]) -> dict[str, Any]:
        self.asked.append(said)
        answered = {"kind": "bigquery#queryResponse", "jobComplete": True, "cacheHit": False}
        assert said["useLegacySql"] is False
        if said.get("dryRun"):
            found = re.fullmatch(r"SELECT (.*) FROM (`.*`)", said["query"])
            assert found
            assert found[2] == TABLE
            assert set(found[1].upper().split(", ")) <= set(COLUMNS)
            return {**answered, "totalBytesProcessed": "0", "schema": {"fields": []}}
        assert said["parameterMode"] == "NAMED"
        given = {each["name"]: each for each in said["queryParameters"]}
        assert set(re.findall(r"@(\w+)", said["query"])) == set(given) == {"first", "last", "wanted"}
        assert given["wanted"]["parameterType"] == {"type": "ARRAY", "arrayType": {"type": "STRING"}}
        first, last = (int(given[name]["parameterValue"]["value"]) for name in ("first", "last"))
        wanted = {each["value"] for each in given["wanted"]["parameterValue"]["arrayValues"]}
        there = {
            f"{row['TRACE_ID']}-{row['SPAN_ID']}"
            for row in self.rows
            if first <= datetime.fromisoformat(row["TIMESTAMP"]).timestamp() <= last
        }
        rows = [{"f": [{"v": each}]} for each in sorted(there & wanted)]
        return {**answered, "totalRows": str(len(rows)), **({"rows": rows} if rows else {})}


def error(status: int, reason: str, name: str, message: str = "No.") -> dict[str, Any]:
    """Return the body of an error, as Google's APIs write it."""
    errors = [{"message": message, "domain": "global", "reason": reason}]
    return {"error": {"code": status, "message": message, "errors": errors, "status": name}}


def failing(status: int, reason: str, name: str = "FAILED", message: str = "No.") -> Any:
    """Answer with an error."""
    return in_json(status, error(status, reason, name, message))


def excepting(reasons: dict[int, str], column: str = "total_cost") -> dict[str, Any]:
    """Return the answer of an insert that excepts some rows, by their places."""
    message = "Cannot convert value to numeric (bad value): My name is Ada"
    told = [
        {"index": place, "errors": [{"reason": reason, "location": column, "debugInfo": "", "message": message}]}
        for place, reason in reasons.items()
    ]
    return {**INSERTED, "insertErrors": told}


@contextmanager
def bigquery(*first: Any) -> Iterator[tuple[Project, Platform]]:
    """Open a BigQuery that gives the `first` answers before its own."""
    project = Project()
    with Platform(*first, project).open() as platform:
        project.token_uri = f"{platform.url}/token"
        yield project, platform
