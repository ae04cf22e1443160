"""Costs from ClickHouse by its HTTP interface, from the table OPENROUTER_TRACES that many machines may write to.

The text of an exception may quote the query, so only its code is repeated (ClickHouse, "HTTP Interface",
"ErrorCodes.cpp").
"""

import os
import re
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

import msgspec

from spancast.base import money
from spancast.bookkeeping.answers.clickhouse.query import SUMS, Query, query
from spancast.bookkeeping.answers.costs import reported
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.report import Report
from spancast.bookkeeping.sums import Sums
from spancast.contract import Reply, Request
from spancast.delivery.http.wire import Ambiguous, Unsent, Wire
from spancast.errors import ConfigurationError, SpancastError

TABLE = "OPENROUTER_TRACES"
"""The default table (OpenRouter, Broadcast's defaults)."""
TIMEOUT_SECONDS = 120.0
"""For one query."""
MAX_REPLY_BYTES = 256 * 1024 * 1024

_PORTS = {"clickhouse": ("http", 8123), "clickhouses": ("https", 8443)}
_NATIVE_PORTS = (9000, 9440)
_FORM = "Write clickhouse://USER:PASSWORD@HOST:8123/DATABASE?table=TABLE, or clickhouses:// where it speaks TLS."
_NO_SUCH_TABLE = (60, 81)
"""UNKNOWN_TABLE, UNKNOWN_DATABASE."""
_LOGIN_REFUSED = (192, 193, 194, 516)
"""UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED."""
_FORBIDDEN = 497
"""ACCESS_DENIED."""
_WRONG_COLUMNS = (10, 16, 43, 47)
"""NOT_FOUND_COLUMN_IN_BLOCK, NO_SUCH_COLUMN_IN_TABLE, ILLEGAL_TYPE_OF_ARGUMENT, UNKNOWN_IDENTIFIER."""
_CODE = re.compile(rb"Code: (\d{1,9})\. DB::")
_OK, _UNAUTHORIZED = 200, (401, 403)


@dataclass(frozen=True, kw_only=True)
class Table:
    """The table, its server, and the credentials."""

    server: str
    """The URL of the HTTP interface, without a user."""
    user: str
    password: str = field(repr=False)
    database: str
    table: str

    @classmethod
    def of(cls, url: str) -> "Table":
        """Return the table that a URL names; `CLICKHOUSE_USER` and `CLICKHOUSE_PASSWORD` fill in missing credentials.

        Raises:
            ConfigurationError: The URL is not valid. The message does not repeat it: it may contain a password.
        """
        parts, port = _read(url)
        scheme, usual = _PORTS[parts.scheme]
        user = unquote(parts.username or "") or os.environ.get("CLICKHOUSE_USER", "") or "default"
        if ":" in user:
            raise ConfigurationError(
                f"--from: {user!r} is not a name of a ClickHouse user, since it contains a colon. {_FORM}"
            )
        host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
        return cls(
            server=f"{scheme}://{host}:{port or usual}/",
            user=user,
            password=os.environ.get("CLICKHOUSE_PASSWORD", "") if parts.password is None else unquote(parts.password),
            database=unquote(parts.path.strip("/")) or "default",
            table=dict(parse_qsl(parts.query)).get("table", TABLE),
        )

    def __str__(self) -> str:
        return f"{self.database}.{self.table} at {urlsplit(self.server).netloc}"


class Clickhouse:
    """Queries one table; raises `SpancastError` where the server cannot be reached or gives no usable answer."""

    def __init__(self, place: Table, wire: Wire | None = None) -> None:
        self.place = place
        self._wire = wire or Wire()

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def costs(
        self,
        by: Sequence[str],
        chosen: Filter,
        top: int | None = None,
        *,
        counted: bool = False,  # noqa: ARG002 - all groups are always counted
    ) -> Report:
        """Return the sums of the `chosen` calls by the dimensions `by`; with `top`, only those of the highest cost.

        Raises:
            ConfigurationError: A dimension is unknown, or the table lacks it.
        """
        asked = query(self.place.database, self.place.table, by, chosen)
        return reported(by, dict(self._sums(self._rows(asked), len(by))), top)

    def _sums(self, rows: Sequence[Sequence[Any]], width: int) -> Iterator[tuple[tuple[str | None, ...], Sums]]:
        try:
            for row in rows:
                if len(row) != width + len(SUMS):
                    raise self._malformed()
                *counts, dollars = row[width:]
                picos = 0 if dollars is None else money.pico(Decimal(dollars))
                sums = Sums([*map(int, counts), picos])
                if sums["calls"]:
                    yield tuple(row[:width]), sums
        except (TypeError, ValueError, InvalidOperation):
            raise self._malformed() from None

    def _rows(self, asked: Query) -> Sequence[Sequence[Any]]:
        reply = self._checked(self._send(asked))
        try:
            answer = _answer(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._malformed() from None
        if answer.rows != len(answer.data):
            raise self._malformed()
        return answer.data

    def _send(self, asked: Query) -> Reply:
        place = self.place
        parameters = {f"param_{name}": value for name, value in asked.parameters.items()}
        credential = b64encode(f"{place.user}:{place.password}".encode()).decode()
        request = Request(
            url=f"{place.server}?{urlencode(parameters)}",
            body=asked.sql.encode(),
            headers={"authorization": f"Basic {credential}", "content-type": "text/plain"},
        )
        try:
            return self._wire.post(request, TIMEOUT_SECONDS, MAX_REPLY_BYTES)
        except (Unsent, Ambiguous) as error:
            raise SpancastError(
                f"ClickHouse at {place.server} cannot be reached: {error}. "
                "Check that it is running, and that this is the address of its HTTP interface."
            ) from error

    def _checked(self, reply: Reply) -> Reply:
        code = _code(reply)
        if reply.status == _OK and code is None:
            return reply
        raise SpancastError(self._problem(code, reply.status))

    def _problem(self, code: int | None, status: int) -> str:
        place, stated = self.place, "" if code is None else f", code {code}"
        why = f"{place.server} answers HTTP {status}{stated}"
        if code in _LOGIN_REFUSED or (code is None and status in _UNAUTHORIZED):
            return f"{why}: it refuses the user {place.user!r} or the password. Check --from and CLICKHOUSE_PASSWORD."
        if code in _NO_SUCH_TABLE:
            return f"There is no table {place} ({why}). `spancast check clickhouse` explains how to create it. {_FORM}"
        if code == _FORBIDDEN:
            return f"{why}. Run: GRANT SELECT ON {place.database}.{place.table} TO {place.user}"
        if code in _WRONG_COLUMNS:
            return f"{why}: {place} lacks a column that the query needs. See docs/clickhouse.md for the table."
        return f"{why} to the query for costs. See the server's log for the reason."

    def _malformed(self) -> SpancastError:
        return SpancastError(f"The answer of {self.place.server} is not one of ClickHouse. {_FORM}")


class _Answer(msgspec.Struct):
    data: list[list[Any]]
    rows: int


_answer = msgspec.json.Decoder(_Answer).decode


def _read(url: str) -> tuple[SplitResult, int | None]:
    """Return the parts of a URL and its port; raise `ConfigurationError`."""
    try:
        parts = urlsplit(url)
        port, unknown = parts.port, {name for name, _ in parse_qsl(parts.query)} - {"table"}
    except ValueError:
        raise ConfigurationError(
            f"--from is not a valid URL. {_FORM} In a user name or password, write each of :/?#[]@% as %XX."
        ) from None
    if not (parts.hostname or "").isascii():
        raise ConfigurationError(f"--from: write a host that is not ASCII as xn--.... {_FORM}")
    if parts.scheme not in _PORTS or not parts.hostname or unknown or parts.fragment or "/" in parts.path.strip("/"):
        raise ConfigurationError(f"--from is not the URL of a table in ClickHouse. {_FORM}")
    if port in _NATIVE_PORTS:
        raise ConfigurationError(f"--from: {port} is the port of ClickHouse's native protocol. {_FORM}")
    return parts, port


def _code(reply: Reply) -> int | None:
    """Return the code of the exception in a reply: from the header, or from the body where it occurred late."""
    stated = reply.headers.get("x-clickhouse-exception-code", "").strip()
    if stated.isascii() and stated.isdigit():
        return int(stated[:9])
    found = _CODE.search(reply.body[:4096]) if reply.status != _OK else None
    return None if found is None else int(found[1])
