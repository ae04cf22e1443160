"""Looks up at OpenRouter the costs that no answer stated: of cut streams, of audio, of calls whose process died.

Constraints: runs in the background, one request at a time and at most two a second, each with a deadline; a key that
OpenRouter refuses is not used again by this process. Each cost becomes a `LateFacts` record in the journal, so that no
result is lost and none is booked twice.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from spancast.base import guard
from spancast.base.folders import private
from spancast.base.locks import held_if_free
from spancast.bookkeeping import openrouter
from spancast.bookkeeping.late_costs.cost_lookup import CostLookup, retry_seconds
from spancast.contract import retry_after
from spancast.delivery.http import backoff, wire
from spancast.records.late import LateFacts

INTERVAL_SECONDS = 0.5
"""From one request to the next."""
MAX_REQUESTS_PER_ROUND = 20
BUSY_SECONDS = 5.0
"""Until the next round, where another process holds the lock."""
SERVER_ERROR_SECONDS = 60.0
"""Until a lookup is tried again that the server could not answer."""
NO_SUCH_GENERATION = "not found"
_REFUSED = (401, 403)
_OK, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _SERVER_ERRORS = 200, 404, 408, 429, 500


class LookupQueue(Protocol):
    """The costs to look up."""

    def due(self, limit: int) -> Sequence[CostLookup]:
        """Return up to `limit` lookups that are due."""
        ...

    def next_due(self) -> float | None:
        """Return the seconds until the next lookup is due; `None` where the queue is empty."""
        ...

    def resolve(self, lookup: CostLookup) -> None:
        """Note that the cost is known."""
        ...

    def retry_later(self, lookup: CostLookup, seconds: float) -> None:
        """Make the lookup due again in `seconds`."""
        ...

    def give_up(self, lookup: CostLookup, why: str) -> None:
        """Note that the cost cannot be found, and why."""
        ...

    def refuse_key(self, lookup: CostLookup) -> None:
        """Note that OpenRouter refuses the lookup's key, so that no other lookup uses it."""
        ...


class Backfill:
    """Works through a queue. `read` takes the facts of a `LateFacts` from an answer; `None` where it states no cost."""

    name = "late costs"

    def __init__(
        self,
        queue: LookupQueue,
        read: Callable[[bytes], Mapping[str, Any] | None],
        append: Callable[[LateFacts], None],
        lock: Path | None = None,
    ) -> None:
        """Pass each cost that is found to `append`; with a `lock`, only one process at a time makes lookups."""
        self._queue = queue
        self._read = read
        self._append = append
        self._lock = lock
        self._wire = wire.Wire()
        self._failures = 0
        self._stopped = threading.Event()

    def round(self) -> float | None:
        """Make the lookups that are due; return the seconds until the next one is."""
        if self._lock is None:
            return self._round()
        private(self._lock.parent)
        with held_if_free(self._lock) as held:
            return self._round() if held else BUSY_SECONDS

    def stop(self) -> None:
        """Start no further request."""
        self._stopped.set()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _round(self) -> float | None:
        pause: float | None = None
        for lookup in self._queue.due(MAX_REQUESTS_PER_ROUND):
            if pause is not None or self._stopped.is_set():
                break
            pause = self._look_up(lookup)
            self._stopped.wait(INTERVAL_SECONDS)
        next_due = self._queue.next_due()
        return None if next_due is None else max(next_due, pause or 0.0)

    def _look_up(self, lookup: CostLookup) -> float | None:
        """Look up one cost; return the seconds to pause before the next round, or `None` to go on with this one."""
        try:
            reply = openrouter.generation(self._wire, lookup.server, lookup.generation_id, lookup.key)
        except (wire.Unsent, wire.Ambiguous) as error:
            return self._server_failed(lookup, str(error), None)
        status = reply.status
        if status in (_TIMEOUT, _TOO_MANY) or status >= _SERVER_ERRORS:
            return self._server_failed(lookup, f"HTTP {status}", retry_after(reply))
        self._failures = 0
        if status in _REFUSED:
            self._warn("%s refuses the key for late costs (%s); they stay unknown.", lookup, f"HTTP {status}")
            self._queue.refuse_key(lookup)
            return 0.0
        if status == _OK:
            self._store(lookup, reply.body)
        elif status == _NOT_FOUND:
            self._missed(lookup)
        else:
            self._queue.give_up(lookup, f"HTTP {status}")
        return None

    def _store(self, lookup: CostLookup, body: bytes) -> None:
        facts = self._read(body)
        if facts is None:
            self._missed(lookup)
            return
        self._queue.resolve(lookup)
        self._append(LateFacts(at=time.time_ns(), source="generation", call_id=lookup.call_id, **facts))

    def _missed(self, lookup: CostLookup) -> None:
        missed = replace(lookup, misses=lookup.misses + 1)
        seconds = retry_seconds(missed.misses)
        if seconds is None:
            self._queue.give_up(missed, NO_SUCH_GENERATION)
        else:
            self._queue.retry_later(missed, seconds)

    def _server_failed(self, lookup: CostLookup, why: str, retry_after_seconds: float | None) -> float:
        """Pause all lookups; return for how long. This is no miss: the server has not said that it lacks the cost."""
        self._failures += 1
        self._queue.retry_later(lookup, SERVER_ERROR_SECONDS)
        self._warn("Late costs cannot be looked up at %s (%s); trying again later.", lookup, why)
        return backoff.wait(self._failures) if retry_after_seconds is None else backoff.retry_after(retry_after_seconds)

    def _warn(self, message: str, lookup: CostLookup, why: str) -> None:
        guard.warn(self.name, message, openrouter.shown(lookup.server), why)
