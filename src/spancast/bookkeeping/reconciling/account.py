"""The account at OpenRouter, which is asked what it was billed.

Only a management key may ask for more than the totals of a key (OpenRouter API). What is asked changes nothing, so that
it is asked again when the network or the server fails; analytics takes 64 questions a minute, and says when to go on.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from spancast.base.deadline import Deadline
from spancast.base.http_fields import moment
from spancast.bookkeeping import openrouter
from spancast.bookkeeping.reconciling.span import Span
from spancast.contract import Reply, retry_after
from spancast.delivery.http import backoff
from spancast.delivery.http.wire import Ambiguous, Unsent, Wire
from spancast.errors import SpancastError

ROWS = 10_000
"""Rows of an answer of analytics, at most."""
LARGEST = 64 * 1024 * 1024
"""Bytes of an answer."""
PATIENCE = 120.0
"""Seconds that one question is repeated for."""
_OK, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _SERVER_ERRORS = 200, 404, 408, 429, 500
_REFUSED = (401, 403)

Row = Mapping[str, Any]
"""An object of an answer; its fractions are decimals."""


class NotManagement(SpancastError):  # noqa: N818 - what OpenRouter says of the key
    """The key is no management key, or none at all."""


class Page(msgspec.Struct, frozen=True):
    """Rows of analytics, and whether there are more."""

    rows: Sequence[Row]
    truncated: bool


class Account:
    """Asks with one key; every method raises `SpancastError` where OpenRouter cannot be asked or does not say."""

    def __init__(self, wire: Wire, base: str, key: str, sleep: Callable[[float], None] = time.sleep) -> None:
        """Ask at `base`, the base URL of the API."""
        self._wire = wire
        self._base = base
        self._key = key
        self._sleep = sleep
        self.now = datetime.now(UTC)
        """OpenRouter's time, as its last answer said it."""

    @property
    def shown(self) -> str:
        """Where it is asked, as it may be written down."""
        return openrouter.shown(self._base)

    def listed_keys(self) -> Iterator[Row]:
        """Yield the API keys of the default workspace, as GET /keys lists them; raise `NotManagement`."""
        offset = 0
        while True:
            rows = self._rows(self._get(f"/keys?include_disabled=true&offset={offset}"))
            yield from rows
            offset += len(rows)
            if not rows:
                return

    def key(self, key_hash: str) -> Row | None:
        """Return one API key of whatever workspace by its hash; `None` where the account has none of it."""
        reply = self._ask(f"/keys/{key_hash}")
        return None if reply.status == _NOT_FOUND else self._object(self._good(reply))

    def own_key(self) -> Row:
        """Return what GET /key says of the key that asks: its totals of today, this week and this month."""
        return self._object(self._get("/key"))

    def activity(self, key_hash: str | None) -> Sequence[Row]:
        """Return what was used on the 30 days that are over, by day, model and endpoint; of one key, or of all."""
        return self._rows(self._get("/activity" + ("" if key_hash is None else f"?api_key_hash={key_hash}")))

    def analytics(
        self, span: Span, keys: Sequence[str] | None, dimensions: Sequence[str], metrics: Sequence[str]
    ) -> Page:
        """Return the rows of a stretch of time, of these keys or of all."""
        wanted = {
            "metrics": metrics,
            "dimensions": dimensions,
            "filters": [] if keys is None else [{"field": "api_key_id", "operator": "in", "value": keys}],
            "time_range": {"start": _iso(span.start), "end": _iso(span.end)},
            "limit": ROWS,
        }
        data = self._object(self._good(self._ask("/analytics/query", msgspec.json.encode(wanted))))
        if data.get("warnings"):
            raise SpancastError(f"{self.shown} does not tell all that was asked for: {data['warnings']}")
        metadata = data.get("metadata")
        if not isinstance(metadata, dict):
            raise self._unclear()
        return Page(self._checked(data.get("data")), bool(metadata.get("truncated")))

    def _get(self, path: str) -> Reply:
        return self._good(self._ask(path))

    def _ask(self, path: str, body: bytes | None = None) -> Reply:
        """Ask until there is an answer that asking again would not change."""
        deadline, failures = Deadline(PATIENCE), 0
        while True:
            try:
                reply = openrouter.account(self._wire, self._base + path, self._key, body, LARGEST)
                why, after = f"answers HTTP {reply.status}", retry_after(reply)
            except (Unsent, Ambiguous) as error:
                reply, why, after = None, f"cannot be asked: {error}", None
            if reply is not None and not _is_passing(reply.status):
                self.now = _date(reply) or self.now
                return reply
            failures += 1
            pause = backoff.wait(failures) if after is None else backoff.asked(after)
            if pause >= deadline.left or (reply is None and failures > _TRIES):
                raise SpancastError(f"{self.shown} {why}. Try again later.")
            self._sleep(pause)

    def _good(self, reply: Reply) -> Reply:
        if reply.status in _REFUSED:
            raise NotManagement(
                f"{self.shown} refuses the key (HTTP {reply.status}). "
                "Give a management key, from openrouter.ai/settings/management-keys, in OPENROUTER_MANAGEMENT_KEY."
            )
        if reply.status != _OK:
            raise SpancastError(f"{self.shown} answers HTTP {reply.status} when asked what was billed.")
        return reply

    def _rows(self, reply: Reply) -> Sequence[Row]:
        return self._checked(self._data(reply))

    def _checked(self, rows: Any) -> Sequence[Row]:
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._unclear()
        return rows

    def _object(self, reply: Reply) -> Row:
        data = self._data(reply)
        if not isinstance(data, dict):
            raise self._unclear()
        return data

    def _data(self, reply: Reply) -> Any:
        try:
            return _answer(reply.body).data
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise self._unclear() from None

    def _unclear(self) -> SpancastError:
        return SpancastError(f"{self.shown} answers what is no account of OpenRouter's. Look at OPENROUTER_BASE_URL.")


_TRIES = 3
"""How often it is asked where no answer comes at all."""


class _Answer(msgspec.Struct):
    data: Any


_answer = msgspec.json.Decoder(_Answer, float_hook=Decimal).decode


def _is_passing(status: int) -> bool:
    return status in (_TIMEOUT, _TOO_MANY) or status >= _SERVER_ERRORS


def _date(reply: Reply) -> datetime | None:
    at = moment(reply.headers.get("date", ""))
    return None if at is None else at.astimezone(UTC)


def _iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
