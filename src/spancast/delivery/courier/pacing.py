"""When a destination is sent something again, and how much.

A courier's waits are measured by a clock that nobody sets; the holds in the outbox, which all processes share, are in
Unix time.
"""

import time

from spancast.base import clock
from spancast.delivery.courier.batch import Batch
from spancast.delivery.courier.preparation import CLOCK_TOLERANCE_SECONDS
from spancast.delivery.http import backoff
from spancast.delivery.outbox.ack import Hold

PARKED_SECONDS = 300.0
"""How long nothing is sent to a destination that refuses its credential. A new process tries at once, since it may have
been started with another one."""

_GROWTH = 8
"""The factor by which the next request grows after one that succeeded, until it is full again."""
_TWO_SPAN_PROBE_FAILURES = 3
"""Every so many failures a probe has a second span, since the first one may be what the platform fails on."""


class Pacing:
    """The holds and the request size of one courier."""

    def __init__(self, max_spans: int) -> None:
        self._max = self._window = max_spans
        self._own_hold: Hold | None = None
        self._held_until = self._parked_until = 0.0
        self.rests_until = 0.0
        """Before this time, by `clock.now`, nothing is sent. Readable from any thread."""
        self._has_tried = False

    def started(self) -> None:
        """Note that the courier has taken records to send."""
        self._has_tried = True

    def rest(self, hold: Hold | None) -> float | None:
        """Return `None` if something may be sent now, else the seconds to wait; 0 if only a new credential helps."""
        now, remaining = clock.now(), self._remaining(hold)
        self.rests_until = max(self._parked_until, now + remaining)
        return remaining if self.rests_until > now else None

    def limit(self, failures: int) -> int:
        """Return how many records a pass takes. With an open breaker, one is enough to probe the platform."""
        if failures < backoff.BREAKER_FAILURES:
            return self._window
        return 2 if failures % _TWO_SPAN_PROBE_FAILURES == 0 else 1

    def next_hold(self, batch: Batch, failures: int) -> Hold | None:
        """Return the hold after a batch; `None` if the next request may be sent at once, or no wait will help."""
        self._own_hold = None
        if batch.state == "ready":
            if batch.halted:
                self._window = 1
            elif batch.delivered:
                self._window = min(self._window * _GROWTH, self._max)
            return None
        if batch.state == "parked":
            self.rests_until = self._parked_until = clock.now() + PARKED_SECONDS
            return None
        failures = 1 if batch.delivered else failures + 1
        if failures >= backoff.BREAKER_FAILURES or batch.doubted:
            self._window = 1
        length = backoff.pause(failures, batch.retry_after)
        self.rests_until = self._held_until = clock.now() + length
        self._own_hold = Hold(time.time() + length, batch.retry_after is not None, length, failures)
        return self._own_hold

    def _remaining(self, hold: Hold | None) -> float:
        """Return the seconds until the hold ends.

        A courier's first pass shortens it to what the platform asked for, and to the time between two probes of an open
        breaker: whoever starts a process may have fixed the cause.
        """
        if hold is None:
            return 0.0
        if hold == self._own_hold:
            return max(0.0, self._held_until - clock.now())
        now = time.time()
        remaining = hold.until - now if now >= hold.started_at - CLOCK_TOLERANCE_SECONDS else 0.0
        if not self._has_tried and not hold.is_requested:
            is_open = hold.failures >= backoff.BREAKER_FAILURES
            probe_at = hold.started_at + min(backoff.PROBE_SECONDS, backoff.CAP_SECONDS) if is_open else now
            remaining = min(remaining, probe_at - now)
        return max(0.0, remaining)
