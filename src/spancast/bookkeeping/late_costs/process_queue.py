"""Cost lookups for the calls of this process, each with the key that made the call.

Constraints: a key is held in memory only, and sent only to the server that its owner sent it to; `offer` takes no lock,
since a finalizer may call it; a forked child leaves its parent's calls and keys to the parent; calls that do not fit
are counted.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Sequence

from spancast.base import clock
from spancast.bookkeeping.late_costs.cost_lookup import FIRST_TRY_SECONDS, CostLookup
from spancast.records.call import Call
from spancast.records.late import JOBS, cost_may_come

MAX_PENDING = 1000
"""Lookups in the queue, at most."""
TOO_MANY_WAIT = "too many wait"
KEY_REFUSED = "the key is refused"


class ProcessQueue:
    """A `LookupQueue`. Any thread may call `offer`; only the thread that makes the lookups calls the rest."""

    def __init__(self, give_up: Callable[[CostLookup, str], None]) -> None:
        """Pass each lookup that is given up, and why, to `give_up`."""
        self._give_up = give_up
        self._reset()

    def _reset(self) -> None:
        self.lost: Counter[str] = Counter()
        """Costs that are not looked up, by reason, in this process."""
        self._pid = os.getpid()
        self._offered: deque[CostLookup] = deque()
        self._waiting: dict[str, tuple[float, CostLookup]] = {}
        self._refused_keys: set[str] = set()

    def offer(self, call: Call, server: str, key: str) -> None:
        """Queue a finished call that was made with `key` at `server` (the API's base URL), if its cost may come."""
        if call.generation_id is None or call.operation in JOBS or not cost_may_come(call):
            return
        self._reset_after_fork()
        if key in self._refused_keys:
            self.lost[KEY_REFUSED] += 1
        elif len(self._offered) + len(self._waiting) >= MAX_PENDING:
            self.lost[TOO_MANY_WAIT] += 1
        else:
            self._offered.append(CostLookup(call.call_id, call.generation_id, server, key))

    def due(self, limit: int) -> Sequence[CostLookup]:
        """Return up to `limit` lookups that are due, the longest due first."""
        self._schedule_offered()
        now = clock.now()
        ready = sorted((each for each in self._waiting.values() if each[0] <= now), key=lambda each: each[0])
        return [lookup for _, lookup in ready[:limit]]

    def next_due(self) -> float | None:
        """Return the seconds until the next lookup is due; `None` where the queue is empty."""
        self._schedule_offered()
        times = [at for at, _ in self._waiting.values()]
        return max(0.0, min(times) - clock.now()) if times else None

    def resolve(self, lookup: CostLookup) -> None:
        """Drop a lookup whose cost is known."""
        self._waiting.pop(lookup.call_id, None)

    def retry_later(self, lookup: CostLookup, seconds: float) -> None:
        """Make the lookup due again in `seconds`."""
        self._waiting[lookup.call_id] = (clock.now() + seconds, lookup)

    def give_up(self, lookup: CostLookup, why: str) -> None:
        """Drop a lookup whose cost cannot be found, and report it."""
        self._waiting.pop(lookup.call_id, None)
        self._give_up(lookup, why)

    def refuse_key(self, lookup: CostLookup) -> None:
        """Drop all lookups with this lookup's key."""
        self._refused_keys.add(lookup.key)
        others = {name: each for name, each in self._waiting.items() if each[1].key != lookup.key}
        self.lost[KEY_REFUSED] += len(self._waiting) - len(others)
        self._waiting = others

    def _schedule_offered(self) -> None:
        self._reset_after_fork()
        while self._offered:
            lookup = self._offered.popleft()
            self._waiting[lookup.call_id] = (clock.now() + FIRST_TRY_SECONDS, lookup)

    def _reset_after_fork(self) -> None:
        if self._pid != os.getpid():
            self._reset()
