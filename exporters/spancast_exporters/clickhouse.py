"""ClickHouse, by its HTTP interface: rows of OPENROUTER_TRACES, the table of OpenRouter's own Broadcast.

Each insert has a token derived from its spans and their costs, so that the same insert sent again, by us or by a proxy,
is ignored (ClickHouse, `insert_deduplication_token`). Spans sent again among others are a different insert, to which
the token does not apply: where an answer was lost, ClickHouse is queried for the rows it has, and only the others are
sent again.

Checked on ClickHouse's own engine (chDB 4.4, ClickHouse 26.9) behind HTTP; not checked on ClickHouse Cloud.
"""

import gzip
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from hashlib import sha256
from urllib.parse import urlencode, urlsplit

from spancast.contract import (
    Delivered,
    Encoded,
    Exporter,
    Probe,
    ReadBack,
    Rejected,
    Reply,
    Request,
    Retry,
    Span,
    Traits,
    Unauthorized,
    Verdict,
    judge_status,
)
from spancast_exporters import _clickhouse, _flat, _json, _otlp, _refusal, _traces_table

__all__ = ["Clickhouse"]

_ROOM = 16 * 1024 * 1024
"""Bytes of one insert's rows, before compression."""
_SECURE_PORTS = (443, 8443)
_NATIVE_PORTS = (9000, 9440)
_NO = ("", "0", "false", "no", "off")
_INSERT = {
    "async_insert": 0,
    "date_time_input_format": "best_effort",
    "deduplicate_blocks_in_dependent_materialized_views": 1,
    "input_format_skip_unknown_fields": 1,
}
"""Settings of each insert. Only a synchronous insert honours tokens for tables that are not replicated; views
deduplicate as the table does; a table that OpenRouter created may lack a column, which is then left out."""


@dataclass(frozen=True, kw_only=True)
class Clickhouse:
    """Sends every span that is given to it.

    `endpoint` is the URL of the HTTP interface, such as https://abc.eu-west-1.aws.clickhouse.cloud:8443, or a host:
    then `port` and `secure` say the rest, by default 8123, and 8443 where it is secure. The user needs INSERT and
    SELECT on the table.
    """

    endpoint: str = field(
        metadata={
            "variables": ("CLICKHOUSE_URL", "CLICKHOUSE_HOST"),
            "where": "It is the address of ClickHouse's HTTP interface, such as http://localhost:8123.",
        }
    )
    port: int | str | None = field(default=None, metadata={"variables": ("CLICKHOUSE_PORT",)})
    secure: bool | str | None = field(default=None, metadata={"variables": ("CLICKHOUSE_SECURE",), "flag": True})
    user: str = field(default="default", metadata={"variables": ("CLICKHOUSE_USER", "CLICKHOUSE_USERNAME")})
    password: str = field(default="", repr=False, metadata={"variables": ("CLICKHOUSE_PASSWORD",)})
    database: str = field(default="default", metadata={"variables": ("CLICKHOUSE_DATABASE", "CLICKHOUSE_DB")})
    table: str = field(default=_traces_table.NAME, metadata={"variables": ("CLICKHOUSE_TABLE",)})
    traits: Traits = field(default=Traits(resend="duplicates", visible_after=30.0), init=False)
    """A row is visible as soon as its insert is done; an insert whose answer was lost may still be running."""

    def __post_init__(self) -> None:
        """Refuse options that cannot work."""
        parts = urlsplit(self.url)
        if not parts.hostname or parts.query or "@" in parts.netloc:
            raise ValueError(
                "endpoint is not the URL of an HTTP interface. Give it as http://HOST:8123, without a user."
            )
        if parts.port in _NATIVE_PORTS:
            raise ValueError(f"{parts.port} is the port of ClickHouse's native protocol. Give HTTP's: 8123, or 8443.")
        if not self.user or ":" in self.user:
            raise ValueError(f"user cannot be {self.user!r}. Give the name of a user of ClickHouse.")
        _clickhouse.table(self.database, self.table)

    @property
    def url(self) -> str:
        """The URL of the HTTP interface; raises `ValueError` where the options do not determine it."""
        given = self.endpoint.strip().rstrip("/")
        scheme, colon, _ = given.partition("://")
        if colon:
            if scheme.lower() not in ("http", "https"):
                raise ValueError(f"endpoint cannot begin with {scheme}://. Give http://HOST:8123 or https://HOST:8443.")
            return given + "/"
        host, _, own = given.partition(":")
        port = self._port(own)
        secure = self._is_secure(port)
        return f"{'https' if secure else 'http'}://{host}:{port or (8443 if secure else 8123)}/"

    def encode(self, spans: Sequence[Span], at: datetime) -> Sequence[Encoded]:  # noqa: ARG002 - rows have their own times
        """Return inserts of at most 16 MiB before compression; a single row may be larger."""
        rows = [_traces_table.row(span) for span in spans]
        lines = ((str(number), _line(row)) for number, row in enumerate(rows))
        return [
            self._insert([rows[int(each)] for each in numbers], batch) for numbers, batch in _otlp.batches(lines, _ROOM)
        ]

    def judge(self, encoded: Encoded, reply: Reply) -> Verdict:
        """Judge by ClickHouse's error code; a success has an empty body and ClickHouse's headers.

        Any other 2xx may have inserted some rows, so that ClickHouse is asked which.
        """
        if not 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
            return _refused(encoded, reply)
        silent = _clickhouse.code(reply) is None and not reply.body.strip() and _clickhouse.is_clickhouse(reply)
        if silent:
            return Delivered()
        return Retry(f"{_clickhouse.reason(reply)}, without ClickHouse's acknowledgement", doubtful=True)

    def probe(self, at: datetime) -> Request:  # noqa: ARG002 - the request has no time
        """Return an insert without rows, which checks the address, the user, its grants and the table."""
        return self._query(_clickhouse.check_query(self._table))

    def diagnose(self, reply: Reply) -> str | None:
        """Return what is wrong, and what to do: for a missing table, the statement that creates it."""
        why, code = f"{self.url} answers {_clickhouse.reason(reply)}", _clickhouse.code(reply)
        if code in _clickhouse.MISSING:
            first = f"CREATE DATABASE {self._table.partition('.')[0]}; " if code == _clickhouse.NO_DATABASE else ""
            return f"There is no table {self._table} (code {code}). Run: {first}{_clickhouse.create(self._table)}"
        if code in _clickhouse.FORBIDDEN:
            return f"{why}. Run: GRANT SELECT, INSERT ON {self._table} TO {self.user}"
        if code in _clickhouse.OTHER_TABLE:
            return f"{why}: {self._table} has other columns. Create one with: {_clickhouse.create(self._table)}"
        if code in _clickhouse.LOGIN_REFUSED or (code is None and reply.status in (401, 403)):
            return f"{why}. Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD."
        if code is not None or not 200 <= reply.status < 300:  # noqa: PLR2004 - the class of success
            return f"{why}. Check CLICKHOUSE_URL."
        silent = not reply.body.strip() and _clickhouse.is_clickhouse(reply)
        return None if silent else f"The answer of {self.url} is not one of ClickHouse. Check CLICKHOUSE_URL."

    def read_back(self, spans: Sequence[Span], at: datetime) -> Request:  # noqa: ARG002 - spans have their own times
        """Return the query for the rows of these spans."""
        return self._query(_clickhouse.rows_query(self._table, spans))

    def found(self, spans: Sequence[Span], reply: Reply) -> Mapping[str, bool]:
        """Return which rows are there; nothing where the answer is incomplete."""
        answer = _json.answer(reply)
        if reply.status != 200:  # noqa: PLR2004 - OK
            return {}
        rows = answer.get("data")
        if not isinstance(rows, list) or answer.get("rows") != len(rows):
            return {}
        there = [tuple(each) for each in rows if isinstance(each, list)]
        return {span.span_id: (span.trace_id, span.span_id) in there for span in spans}

    @property
    def _table(self) -> str:
        return _clickhouse.table(self.database, self.table)

    def _insert(self, rows: Sequence[Mapping[str, _traces_table.Value]], lines: Sequence[bytes]) -> Encoded:
        query = f"INSERT INTO {self._table} FORMAT JSONEachRow"
        parameters = {**_INSERT, "insert_deduplication_token": _token(rows), "query": query}
        request = Request(
            url=f"{self.url}?{urlencode(parameters)}",
            body=gzip.compress(b"".join(lines), compresslevel=6, mtime=0),
            headers={**self._headers(), "content-encoding": "gzip", "content-type": "application/x-ndjson"},
        )
        return Encoded(request, tuple(str(row["SPAN_ID"]) for row in rows))

    def _query(self, query: str) -> Request:
        return Request(url=self.url, body=query.encode(), headers={**self._headers(), "content-type": "text/plain"})

    def _headers(self) -> dict[str, str]:
        return {"authorization": "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()}

    def _port(self, own: str) -> int | None:
        stated = own or ("" if self.port is None else str(self.port).strip())
        if stated and not (stated.isascii() and stated.isdigit() and 0 < int(stated) < 2**16):
            raise ValueError(f"port cannot be {stated!r}. Give that of the HTTP interface: 8123, or 8443.")
        return int(stated) if stated else None

    def _is_secure(self, port: int | None) -> bool:
        """Whether to use TLS: as stated, else by the port."""
        if self.secure is None:
            return port in _SECURE_PORTS
        return self.secure if isinstance(self.secure, bool) else self.secure.strip().lower() not in _NO


_: tuple[type[Exporter], type[Probe], type[ReadBack]] = (Clickhouse, Clickhouse, Clickhouse)


def _refused(encoded: Encoded, reply: Reply) -> Verdict:
    why, code = _clickhouse.reason(reply), _clickhouse.code(reply)
    if code in (*_clickhouse.LOGIN_REFUSED, *_clickhouse.FORBIDDEN):
        return Unauthorized(why)
    if code in (*_clickhouse.MISSING, *_clickhouse.OTHER_TABLE):
        return Retry(why)
    if code in _clickhouse.BAD_ROW:
        return Rejected(dict.fromkeys(encoded.span_ids, why))
    verdict = _refusal.with_reason(judge_status(encoded, reply), why)
    return replace(verdict, doubtful=_clickhouse.is_uncertain(reply)) if isinstance(verdict, Retry) else verdict


def _line(row: Mapping[str, _traces_table.Value]) -> bytes:
    """Return a row as a line of JSON. Money is text, so that no parser reads a float; unknown values are left out."""
    return _json.encoded({name: _cell(value) for name, value in row.items() if value is not None}) + b"\n"


def _cell(value: _traces_table.Value) -> object:
    if not isinstance(value, Decimal):
        return value
    amount = _traces_table.rounded(value, _clickhouse.DECIMALS)
    return None if amount is None else _flat.money(amount)


def _token(rows: Sequence[Mapping[str, _traces_table.Value]]) -> str:
    """Return the token of an insert: the same for the same spans and costs, in any order."""
    identity = "\n".join(sorted(f"{row['TRACE_ID']} {row['SPAN_ID']} {row['TOTAL_COST']}" for row in rows))
    return f"spancast-{sha256(identity.encode()).hexdigest()}"
