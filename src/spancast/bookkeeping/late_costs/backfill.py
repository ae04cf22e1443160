"""Asks OpenRouter for the costs that no answer has stated: of cut streams, of sounds, of calls whose process died.

Constraints: in the background, never more than two requests a second, one at a time, with a deadline each; a key that
is refused is not used again by this process. What comes of it is a `Late`, appended to the journal: nothing is lost
that was found, and nothing is booked twice.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

from spancast.base import guard
from spancast.base.folders import private
from spancast.base.locks import FileLock
from spancast.bookkeeping import openrouter
from spancast.bookkeeping.late_costs.wanted import Wanted, patience
from spancast.contract import retry_after
from spancast.delivery.http import backoff, wire
from spancast.records.late import Late

INTERVAL = 0.5
"""Seconds from one request to the next."""
ROUND = 20
"""Requests of one round."""
BUSY = 5.0
"""Seconds until it is looked again whether another process still does it."""
TROUBLE = 60.0
"""Seconds until a cost is asked for again whose server could not answer."""
NOT_FOUND = "not found"
_REFUSED = (401, 403)
_OK, _NOT_FOUND, _TIMEOUT, _TOO_MANY, _SERVER_ERRORS = 200, 404, 408, 429, 500


class Docket(Protocol):
    """The costs that are wanted."""

    def due(self, limit: int) -> Sequence[Wanted]:
        """Return those whose time has come."""
        ...

    def next_due(self) -> float | None:
        """Return the seconds until the next time comes; `None` when nothing is wanted."""
        ...

    def found(self, wanted: Wanted) -> None:
        """Note that a cost is known."""
        ...

    def later(self, wanted: Wanted, seconds: float) -> None:
        """Note that it is to be asked for again."""
        ...

    def given_up(self, wanted: Wanted, why: str) -> None:
        """Note that it is not to be had."""
        ...

    def refused(self, wanted: Wanted) -> None:
        """Note that its key may not ask, neither for this cost nor for another."""
        ...


class Backfill:
    """Works off a docket. `read` takes the facts of a Late from an answer, or `None` where it states no cost."""

    name = "late costs"

    def __init__(
        self,
        docket: Docket,
        read: Callable[[bytes], Mapping[str, Any] | None],
        keep: Callable[[Late], None],
        lock: Path | None = None,
    ) -> None:
        """Ask for what is on the docket, and `keep` what is found; with a `lock`, in one process at a time."""
        self._docket = docket
        self._read = read
        self._keep = keep
        self._lock = lock
        self._wire = wire.Wire()
        self._failures = 0
        self._stopped = threading.Event()

    def round(self) -> float | None:
        """Ask for what is due; return the seconds until more is."""
        if self._lock is None:
            return self._round()
        private(self._lock.parent)
        lock = FileLock(self._lock)
        if not lock.acquire():
            return BUSY
        try:
            return self._round()
        finally:
            lock.release()

    def stop(self) -> None:
        """Begin no further request."""
        self._stopped.set()

    def close(self) -> None:
        """Close the connections."""
        self._wire.close()

    def _round(self) -> float | None:
        pause: float | None = None
        for wanted in self._docket.due(ROUND):
            if pause is not None or self._stopped.is_set():
                break
            pause = self._ask(wanted)
            self._stopped.wait(INTERVAL)
        left = self._docket.next_due()
        return None if left is None else max(left, pause or 0.0)

    def _ask(self, wanted: Wanted) -> float | None:
        """Ask for one cost; return the seconds until the round may go on as a new one, or `None` to go on."""
        try:
            reply = openrouter.generation(self._wire, wanted.server, wanted.generation_id, wanted.key)
        except (wire.Unsent, wire.Ambiguous) as error:
            return self._troubled(wanted, str(error), None)
        status = reply.status
        if status in (_TIMEOUT, _TOO_MANY) or status >= _SERVER_ERRORS:
            return self._troubled(wanted, f"HTTP {status}", retry_after(reply))
        self._failures = 0
        if status in _REFUSED:
            self._tell("%s refuses a key that asks for late costs (%s); they stay unknown.", wanted, f"HTTP {status}")
            self._docket.refused(wanted)
            return 0.0
        if status == _OK:
            self._take(wanted, reply.body)
        elif status == _NOT_FOUND:
            self._missed(wanted)
        else:
            self._docket.given_up(wanted, f"HTTP {status}")
        return None

    def _take(self, wanted: Wanted, body: bytes) -> None:
        facts = self._read(body)
        if facts is None:
            self._missed(wanted)
            return
        self._docket.found(wanted)
        self._keep(Late(at=time.time_ns(), source="generation", call_id=wanted.call_id, **facts))

    def _missed(self, wanted: Wanted) -> None:
        missed = replace(wanted, misses=wanted.misses + 1)
        wait = patience(missed.misses)
        if wait is None:
            self._docket.given_up(missed, NOT_FOUND)
        else:
            self._docket.later(missed, wait)

    def _troubled(self, wanted: Wanted, why: str, asked: float | None) -> float:
        """Leave the server alone for a while; that a cost could not be asked for says nothing of the cost."""
        self._failures += 1
        self._docket.later(wanted, TROUBLE)
        self._tell("%s cannot be asked for late costs (%s); they wait.", wanted, why)
        return backoff.wait(self._failures) if asked is None else backoff.asked(asked)

    def _tell(self, message: str, wanted: Wanted, why: str) -> None:
        guard.once_a_minute(self.name, message, openrouter.shown(wanted.server), why)
