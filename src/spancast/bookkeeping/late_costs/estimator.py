"""Estimates the costs that no answer states, and refreshes the price list on disk.

Estimates are made in the background, for calls in the ledger with complete counts, from prices that are at most a day
old where they can be fetched. An estimate is a `LateFacts` like any other; any cost that OpenRouter states replaces it.
"""

import time
from collections.abc import Callable
from pathlib import Path
from sqlite3 import Row

import msgspec

from spancast.base import clock, guard
from spancast.base.folders import private
from spancast.base.locks import held_if_free
from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping import openrouter, prices
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.late_costs.estimate import can_be_estimated, estimate
from spancast.bookkeeping.prices import Prices
from spancast.delivery.http import backoff, wire
from spancast.errors import SpancastError
from spancast.records.call import Call, Modalities, Parameters
from spancast.records.late import LateFacts

FRESH_SECONDS = 24 * 3600.0
"""The age from which prices are fetched again; until that works, the old ones are used."""
OLDEST_SECONDS = 7 * 24 * 3600
"""The age from which a call is not estimated any more: today's prices say nothing of it."""
MAX_LIST_BYTES = 16 * 1024 * 1024
"""Size of the model list, at most; one of 413 models has 0.7 million bytes."""
MAX_CALLS_PER_ROUND = 500
BUSY_SECONDS = 5.0
"""Until the next round, where another process holds the lock."""
_OK = 200


def fetch(connection: wire.Wire) -> Prices:
    """Fetch the price list from OpenRouter; raise `SpancastError` where that fails."""
    server = openrouter.shown(openrouter.base_url())
    try:
        reply = openrouter.models(connection, MAX_LIST_BYTES)
    except (wire.Unsent, wire.Ambiguous) as error:
        raise SpancastError(f"The list of models cannot be fetched from {server}: {error}.") from error
    if reply.status != _OK:
        raise SpancastError(f"The list of models cannot be fetched: {server} answers HTTP {reply.status}.")
    return prices.read(reply.body, time.time())


class Estimator:
    """Estimates the calls of a home directory, in one process at a time."""

    name = "estimates"

    def __init__(self, book: Book, home: Path, append: Callable[[LateFacts], None]) -> None:
        self._book = book
        self._home = home
        self._append = append
        self._wire = wire.Wire()
        self._prices: Prices | None = None
        self._failures = 0
        self._not_before = 0.0
        self._last_seq = 0
        """The last row that was tried: a call that today's prices do not cover is not tried again."""
        self._stopped = False

    def round(self) -> float | None:
        """Estimate the calls since the last round; return the seconds until a retry where there are no prices."""
        private(self._home)
        with held_if_free(self._home / "estimates.lock") as held:
            return self._round() if held else BUSY_SECONDS

    def stop(self) -> None:
        """Start nothing further."""
        self._stopped = True

    def close(self) -> None:
        """Close the connection."""
        self._wire.close()

    def _round(self) -> float | None:
        while not self._stopped:
            rows = self._rows()
            if not rows:
                return None
            price_list = self._current_prices()
            if price_list is None:
                return max(0.0, self._not_before - clock.now())
            for row in rows:
                self._estimate(row, price_list)
        return None

    def _rows(self) -> list[Row]:
        values = {
            "last_seq": self._last_seq,
            "oldest": time.time_ns() - OLDEST_SECONDS * NS_PER_SECOND,
            "limit": MAX_CALLS_PER_ROUND,
        }
        with self._book.reading() as connection:
            return connection.execute(_ROWS, values).fetchall()

    def _estimate(self, row: Row, price_list: Prices) -> None:
        self._last_seq = row["seq"]
        call = _call(row)
        pricing = price_list.of(call) if can_be_estimated(call) else None
        cost = None if pricing is None else estimate(call, pricing)
        if cost is not None:
            self._append(LateFacts(at=time.time_ns(), source="prices", call_id=call.call_id, cost=cost))

    def _current_prices(self) -> Prices | None:
        """Return the prices, fetched again if they are too old; the stored ones where that fails."""
        if self._prices is None or self._prices.age > FRESH_SECONDS:
            self._prices = prices.load(self._home) or self._prices
        if (self._prices is None or self._prices.age > FRESH_SECONDS) and clock.now() >= self._not_before:
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
            guard.warn(self.name, "Today's prices are not available for estimating costs: %s", error)


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
    WHERE awaits_cost AND cost_text IS NULL AND started_at > :oldest AND seq > :last_seq AND input_tokens IS NOT NULL
    ORDER BY seq LIMIT :limit
"""  # noqa: S608 - made of the names above


def _call(row: Row) -> Call:
    """Return the parts of a call that an estimate needs."""
    more = msgspec.json.decode(row["more"])
    return Call(
        **{name: row[name] for name in _COLUMNS},
        **{name: more.get(name) for name in _MORE},
        is_byok=None if row["is_byok"] is None else bool(row["is_byok"]),
        request_models=tuple(msgspec.json.decode(row["request_models"], type=list[str])),
        modalities=msgspec.convert(more.get("modalities"), Modalities | None),
        parameters=msgspec.convert(more.get("parameters"), Parameters | None),
    )
