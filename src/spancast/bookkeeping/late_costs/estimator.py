"""Estimates what calls cost that no answer states, and keeps the list of prices that takes.

An estimate is made in the background, of calls in the ledger whose counts are whole, with the prices of at most a day
before. It is a `Late` like any other, and gives way to whatever OpenRouter states.
"""

import time
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Row

import msgspec

from spancast.base import clock, guard
from spancast.base.folders import private
from spancast.base.locks import FileLock
from spancast.bookkeeping import openrouter, prices
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.estimate import can_be_estimated, estimate
from spancast.bookkeeping.prices import Prices
from spancast.delivery.http import backoff, wire
from spancast.errors import SpancastError
from spancast.records.call import Call, Modalities, Parameters
from spancast.records.late import Late

FRESH = 24 * 3600.0
"""Seconds for which the prices hold; older ones are fetched anew, and do until that has worked."""
OLDEST = 7 * 24 * 3600
"""Seconds; the prices of today say nothing of an older call."""
LARGEST = 16 * 1024 * 1024
"""Bytes of a list of models; one of 413 has 0.7 million."""
ROUND = 500
"""Calls of one round."""
BUSY = 5.0
"""Seconds until it is looked again whether another process still does it."""
_OK = 200


def fetch(connection: wire.Wire) -> Prices:
    """Ask OpenRouter for its list of models; raise `SpancastError`."""
    asked = openrouter.shown(openrouter.base_url())
    try:
        reply = openrouter.models(connection, LARGEST)
    except (wire.Unsent, wire.Ambiguous) as error:
        raise SpancastError(f"{asked} cannot be asked for its models: {error}.") from error
    if reply.status != _OK:
        raise SpancastError(f"{asked} answers HTTP {reply.status} when asked for its models.")
    return prices.read(reply.body, time.time())


class Estimator:
    """Works through the calls of a home directory, in one process at a time."""

    name = "estimates"

    def __init__(self, book: Book, home: Path, keep: Callable[[Late], None]) -> None:
        self._book = book
        self._home = home
        self._keep = keep
        self._wire = wire.Wire()
        self._prices: Prices | None = None
        self._failures = 0
        self._not_before = 0.0
        self._seen = 0
        """The last row that was looked at: one that has no price today is not asked about again."""
        self._stopped = False

    def round(self) -> float | None:
        """Estimate what came since the last round; return the seconds until the prices can be had, if they cannot."""
        private(self._home)
        lock = FileLock(self._home / "estimates.lock")
        if not lock.acquire():
            return BUSY
        try:
            return self._round()
        finally:
            lock.release()

    def stop(self) -> None:
        """Begin nothing any more."""
        self._stopped = True

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _round(self) -> float | None:
        while not self._stopped:
            rows = self._rows()
            if not rows:
                return None
            known = self._known()
            if known is None:
                return max(0.0, self._not_before - clock.now())
            for row in rows:
                self._estimate(row, known)
        return None

    def _rows(self) -> list[Row]:
        values = {"seen": self._seen, "oldest": time.time_ns() - OLDEST * 10**9, "limit": ROUND}
        with self._book.reading() as connection:
            return connection.execute(_ROWS, values).fetchall()

    def _estimate(self, row: Row, known: Prices) -> None:
        self._seen = row["seq"]
        call = _call(row)
        pricing = known.of(call) if can_be_estimated(call) else None
        cost = None if pricing is None else estimate(call, pricing)
        if cost is not None:
            self._keep(Late(at=time.time_ns(), source="prices", call_id=call.call_id, cost=cost))

    def _known(self) -> Prices | None:
        """Return the prices, fetched if they are too old; those that are kept where they cannot be fetched."""
        if self._prices is None or self._prices.age > FRESH:
            self._prices = prices.load(self._home) or self._prices
        if (self._prices is None or self._prices.age > FRESH) and clock.now() >= self._not_before:
            self._refresh()
        return self._prices

    def _refresh(self) -> None:
        try:
            self._prices = fetch(self._wire)
            self._failures = 0
            prices.save(self._home, self._prices)
        except (SpancastError, OSError) as error:
            self._failures += 1
            self._not_before = clock.now() + backoff.wait(self._failures)
            guard.once_a_minute(self.name, "Costs cannot be estimated by the prices of today: %s", error)


_COLUMNS = (
    "call_id",
    "operation",
    "started_at",
    "request_model",
    "response_model",
    "input_tokens",
    "output_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
    "outcome",
)
_MORE = ("service_tier", "cache_hit", "server_tool_calls", "web_searches", "cache_write_1h_tokens")
_ROWS = f"""
    SELECT seq, {", ".join(_COLUMNS)}, is_byok, request_models, more FROM calls
    WHERE awaits_cost AND cost_text IS NULL AND started_at > :oldest AND seq > :seen AND input_tokens IS NOT NULL
    ORDER BY seq LIMIT :limit
"""  # noqa: S608 - made of the names above


def _call(row: Row) -> Call:
    """Return what an estimate asks of a call."""
    more = msgspec.json.decode(row["more"])
    return Call(
        **{name: row[name] for name in _COLUMNS},
        **{name: more.get(name) for name in _MORE},
        is_byok=None if row["is_byok"] is None else bool(row["is_byok"]),
        request_models=tuple(msgspec.json.decode(row["request_models"], type=list[str])),
        modalities=msgspec.convert(more.get("modalities"), Modalities | None),
        parameters=msgspec.convert(more.get("parameters"), Parameters | None),
    )
