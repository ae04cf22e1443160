"""OpenRouter's API of an account: what it was billed.

Only a management key may read more than the totals of a key (OpenRouter API). All requests are read-only, so they are
repeated when the network or the server fails; analytics takes 64 requests a minute, and states when to continue.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from spancast.base.deadline import Deadline
from spancast.base.http_fields import parse_date
from spancast.bookkeeping import openrouter
from spancast.bookkeeping.reconciling.period import Period
from spancast.contract import Reply, retry_after
from spancast.delivery.http import backoff
from spancast.delivery.http.wire import Ambiguous, Unsent, Wire
from spancast.errors import SpancastError

MAX_ROWS = 10_000
"""Rows of one analytics answer."""
MAX_REPLY_BYTES = 64 * 1024 * 1024
RETRY_SECONDS = 120.0
"""How long one request is repeated."""
_OK, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _SERVER_ERRORS = 200, 404, 408, 429, 500
_REFUSED = (401, 403)

Row = Mapping[str, Any]
"""A JSON object of an answer; its fractions are decimals."""


class NotManagementKeyError(SpancastError):
    """The key is not a management key, or is unknown to OpenRouter."""


class Page(msgspec.Struct, frozen=True):
    """Rows of analytics, and whether there are more."""

    rows: Sequence[Row]
    truncated: bool


class OpenRouterAccount:
    """The API as one key sees it; every method raises `SpancastError` where OpenRouter gives no usable answer."""

    def __init__(self, wire: Wire, base: str, key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        """Use the API at the base URL `base`."""
        self._wire = wire
        self._base = base
        self._key = key
        self._sleep = sleep
        self.now = datetime.now(UTC)
        """OpenRouter's time, as stated by its last answer."""

    @property
    def shown(self) -> str:
        """The base URL, without credentials."""
        return openrouter.shown(self._base)

    def listed_keys(self) -> Iterator[Row]:
        """Yield the API keys of the default workspace, as GET /keys lists them; raise `NotManagementKeyError`."""
        offset = 0
        while True:
            rows = self._rows(self._get(f"/keys?include_disabled=true&offset={offset}"))
            yield from rows
            offset += len(rows)
            if not rows:
                return

    def key(self, key_hash: str) -> Row | None:
        """Return the API key with this hash, of any workspace; `None` where the account has no such key."""
        reply = self._request(f"/keys/{key_hash}")
        return None if reply.status == _NOT_FOUND else self._object(self._checked_status(reply))

    def own_key(self) -> Row:
        """Return what GET /key states of this key: its totals of today, this week and this month."""
        return self._object(self._get("/key"))

    def activity(self, key_hash: str | None) -> Sequence[Row]:
        """Return the usage of the last 30 complete days by day, model and endpoint, of one key or of all."""
        return self._rows(self._get("/activity" + ("" if key_hash is None else f"?api_key_hash={key_hash}")))

    def analytics(
        self, period: Period, keys: Sequence[str] | None, dimensions: Sequence[str], metrics: Sequence[str]
    ) -> Page:
        """Return the rows of a period, of these keys or of all."""
        wanted = {
            "metrics": metrics,
            "dimensions": dimensions,
            "filters": [] if keys is None else [{"field": "api_key_id", "operator": "in", "value": keys}],
            "time_range": {"start": _iso(period.start), "end": _iso(period.end)},
            "limit": MAX_ROWS,
        }
        data = self._object(self._checked_status(self._request("/analytics/query", msgspec.json.encode(wanted))))
        if data.get("warnings"):
            raise SpancastError(f"{self.shown} warns that its answer is incomplete: {data['warnings']}")
        metadata = data.get("metadata")
        if not isinstance(metadata, dict):
            raise self._malformed()
        return Page(self._checked_rows(data.get("data")), bool(metadata.get("truncated")))

    def _get(self, path: str) -> Reply:
        return self._checked_status(self._request(path))

    def _request(self, path: str, body: bytes | None = None) -> Reply:
        """Send a request, and repeat it while it fails for a reason that may pass."""
        deadline, failures = Deadline(RETRY_SECONDS), 0
        while True:
            try:
                reply = openrouter.account(self._wire, self._base + path, self._key, body, MAX_REPLY_BYTES)
                problem, after = f"{self.shown} answers HTTP {reply.status}", retry_after(reply)
            except (Unsent, Ambiguous) as error:
                reply, problem, after = None, f"{self.shown} cannot be reached: {error}", None
            if reply is not None and not _is_transient(reply.status):
                self.now = _date(reply) or self.now
                return reply
            failures += 1
            pause = backoff.wait(failures) if after is None else backoff.retry_after(after)
            if pause >= deadline.remaining or (reply is None and failures > _MAX_TRIES):
                raise SpancastError(f"{problem}. Try again later.")
            self._sleep(pause)

    def _checked_status(self, reply: Reply) -> Reply:
        if reply.status in _REFUSED:
            raise NotManagementKeyError(
                f"{self.shown} refuses the key (HTTP {reply.status}). "
                "Set OPENROUTER_MANAGEMENT_KEY to a management key from openrouter.ai/settings/management-keys."
            )
        if reply.status != _OK:
            raise SpancastError(f"{self.shown} answers HTTP {reply.status} to the request for what was billed.")
        return reply

    def _rows(self, reply: Reply) -> Sequence[Row]:
        return self._checked_rows(self._data(reply))

    def _checked_rows(self, rows: Any) -> Sequence[Row]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._malformed()
        return rows

    def _object(self, reply: Reply) -> Row:
        data = self._data(reply)
        if not isinstance(data, dict):
            raise self._malformed()
        return data

    def _data(self, reply: Reply) -> Any:
        try:
            return _answer(reply.body).data
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._malformed() from None

    def _malformed(self) -> SpancastError:
        return SpancastError(f"The answer of {self.shown} is not one of OpenRouter's API. Check OPENROUTER_BASE_URL.")


_MAX_TRIES = 3
"""How often a request is repeated that gets no answer at all."""


class _Answer(msgspec.Struct):
    data: Any


_answer = msgspec.json.Decoder(_Answer, float_hook=Decimal).decode


def _is_transient(status: int) -> bool:
    return status in (_TIMEOUT, _TOO_MANY) or status >= _SERVER_ERRORS


def _date(reply: Reply) -> datetime | None:
    at = parse_date(reply.headers.get("date", ""))
    return None if at is None else at.astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
