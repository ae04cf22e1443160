"""Costs out of ClickHouse, by its HTTP interface: what many machines' destinations wrote into OPENROUTER_TRACES.

An exception's words may quote what was asked for, so only its code is repeated (ClickHouse, "HTTP Interface",
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
from spancast.bookkeeping.answers.costs import reported
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.answers.report import Report
from spancast.bookkeeping.clickhouse_query import SUMS, Query, query
from spancast.bookkeeping.sums import Sums
from spancast.contract import Reply, Request
from spancast.delivery.http.wire import Ambiguous, Unsent, Wire
from spancast.errors import ConfigurationError, SpancastError

TABLE = "OPENROUTER_TRACES"
"""What the table is called where nothing else is said (OpenRouter, Broadcast's defaults)."""
PATIENCE = 120.0
"""Seconds for one question."""
LARGEST = 256 * 1024 * 1024
"""Bytes of an answer."""

_PORTS = {"clickhouse": ("http", 8123), "clickhouses": ("https", 8443)}
_NATIVE_PORTS = (9000, 9440)
_FORM = "Write clickhouse://USER:PASSWORD@HOST:8123/DATABASE?table=TABLE, or clickhouses:// where it speaks TLS."
_MISSING = (60, 81)
"""UNKNOWN_TABLE, UNKNOWN_DATABASE."""
_STRANGER = (192, 193, 194, 516)
"""UNKNOWN_USER, WRONG_PASSWORD, REQUIRED_PASSWORD, AUTHENTICATION_FAILED."""
_FORBIDDEN = 497
"""ACCESS_DENIED."""
_OTHER_TABLE = (10, 16, 43, 47)
"""NOT_FOUND_COLUMN_IN_BLOCK, NO_SUCH_COLUMN_IN_TABLE, ILLEGAL_TYPE_OF_ARGUMENT, UNKNOWN_IDENTIFIER."""
_CODE = re.compile(rb"Code: (\d{1,9})\. DB::")
_OK, _UNAUTHORIZED = 200, (401, 403)


@dataclass(frozen=True, kw_only=True)
class Table:
    """Where the table is, and who asks."""

    server: str
    """The URL of the HTTP interface, without a user."""
    user: str
    password: str = field(repr=False)
    database: str
    table: str

    @classmethod
    def of(cls, url: str) -> "Table":
        """Return the place that a URL names; what it leaves out is as `CLICKHOUSE_USER` and `CLICKHOUSE_PASSWORD` say.

        Raises `ConfigurationError`, which does not repeat the URL: it may hold a password.
        """
        parts, port = _read(url)
        scheme, usual = _PORTS[parts.scheme]
        user = unquote(parts.username or "") or os.environ.get("CLICKHOUSE_USER", "") or "default"
        if ":" in user:
            raise ConfigurationError(f"--from: no user of ClickHouse is called {user!r}. {_FORM}")
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
    """Asks one table; every question raises `SpancastError` where it cannot be asked or does not say."""

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
        counted: bool = False,  # noqa: ARG002 - they are all seen
    ) -> Report:
        """Return the sums of the `chosen` calls by the dimensions `by`; of the `top` dearest groups, where it is given.

        Raises `ConfigurationError` for a dimension that is unknown, or that the table does not hold.
        """
        asked = query(self.place.database, self.place.table, by, chosen)
        return reported(by, dict(self._sums(self._rows(asked), len(by))), top)

    def _sums(self, rows: Sequence[Sequence[Any]], width: int) -> Iterator[tuple[tuple[str | None, ...], Sums]]:
        try:
            for row in rows:
                if len(row) != width + len(SUMS):
                    raise self._unclear()
                *counts, dollars = row[width:]
                picos = 0 if dollars is None else money.pico(Decimal(dollars))
                sums = Sums([*map(int, counts), picos])
                if sums["calls"]:
                    yield tuple(row[:width]), sums
        except (TypeError, ValueError, InvalidOperation):
            raise self._unclear() from None

    def _rows(self, asked: Query) -> Sequence[Sequence[Any]]:
        reply = self._good(self._ask(asked))
        try:
            answer = _answer(reply.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._unclear() from None
        if answer.rows != len(answer.data):
            raise self._unclear()
        return answer.data

    def _ask(self, asked: Query) -> Reply:
        place = self.place
        parameters = {f"param_{name}": value for name, value in asked.parameters.items()}
        credential = b64encode(f"{place.user}:{place.password}".encode()).decode()
        request = Request(
            url=f"{place.server}?{urlencode(parameters)}",
            body=asked.sql.encode(),
            headers={"authorization": f"Basic {credential}", "content-type": "text/plain"},
        )
        try:
            return self._wire.post(request, PATIENCE, LARGEST)
        except (Unsent, Ambiguous) as error:
            raise SpancastError(
                f"ClickHouse at {place.server} cannot be asked: {error}. "
                "See that it runs, and that this is the address of its HTTP interface."
            ) from error

    def _good(self, reply: Reply) -> Reply:
        code = _code(reply)
        if reply.status == _OK and code is None:
            return reply
        raise SpancastError(self._trouble(code, reply.status))

    def _trouble(self, code: int | None, status: int) -> str:
        place, stated = self.place, "" if code is None else f", code {code}"
        why = f"{place.server} answers HTTP {status}{stated}"
        if code in _STRANGER or (code is None and status in _UNAUTHORIZED):
            return f"{why}: it refuses the user {place.user!r} or the password. See --from, or CLICKHOUSE_PASSWORD."
        if code in _MISSING:
            return f"There is no table {place} ({why}). `spancast check clickhouse` says how it is made. {_FORM}"
        if code == _FORBIDDEN:
            return f"{why}. Run: GRANT SELECT ON {place.database}.{place.table} TO {place.user}"
        if code in _OTHER_TABLE:
            return f"{why}: {place} lacks a column that the question needs. See docs/clickhouse.md for the table."
        return f"{why} when it is asked for costs. Look into its log."

    def _unclear(self) -> SpancastError:
        return SpancastError(f"{self.place.server} does not answer as ClickHouse does. {_FORM}")


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
            f"--from is no URL: it cannot be taken apart. {_FORM} Of a user or password, write each of :/?#[]@% as %XX."
        ) from None
    if parts.scheme not in _PORTS or not parts.hostname or unknown or parts.fragment or "/" in parts.path.strip("/"):
        raise ConfigurationError(f"--from is no URL of a table in ClickHouse. {_FORM}")
    if port in _NATIVE_PORTS:
        raise ConfigurationError(f"--from: {port} is the port of ClickHouse's native protocol. {_FORM}")
    return parts, port


def _code(reply: Reply) -> int | None:
    """Return the code of the exception that a reply tells; it is in the body alone where it came late."""
    stated = reply.headers.get("x-clickhouse-exception-code", "").strip()
    if stated.isascii() and stated.isdigit():
        return int(stated[:9])
    found = _CODE.search(reply.body[:4096]) if reply.status != _OK else None
    return None if found is None else int(found[1])
