"""The calls of this process whose cost is asked for with the key that made them.

Constraints: a key is held in memory alone, and sent to the server alone to which its owner sent it; offering a call
takes no lock, since a finalizer may do it; a forked child leaves its parent's calls, and keys, to its parent; what does
not fit is counted.
"""

import os
from collections import Counter, deque
from collections.abc import Callable, Sequence

from spancast.base import clock
from spancast.bookkeeping.late_costs.wanted import FIRST, Wanted
from spancast.records.call import Call
from spancast.records.late import JOBS, may_come

KEPT = 1000
"""Costs that are asked for at the same time, at most."""
FULL = "too many wait"
REFUSED = "the key is refused"


class Callers:
    """Calls are offered from any thread; everything else is the asking thread's."""

    def __init__(self, give_up: Callable[[Wanted, str], None]) -> None:
        """Want the costs of the calls that are offered; `give_up` notes those that are not to be had."""
        self._give_up = give_up
        self._begin()

    def _begin(self) -> None:
        self.lost: Counter[str] = Counter()
        """Costs that are not asked for, by reason, in this process."""
        self._pid = os.getpid()
        self._offered: deque[Wanted] = deque()
        self._waiting: dict[str, tuple[float, Wanted]] = {}
        self._refused: set[str] = set()

    def offer(self, call: Call, server: str, key: str) -> None:
        """Take a finished call, made with `key` at `server` (the API's base URL), if its cost is to be asked for."""
        if call.generation_id is None or call.operation in JOBS or not may_come(call):
            return
        self._in_this_process()
        if key in self._refused:
            self.lost[REFUSED] += 1
        elif len(self._offered) + len(self._waiting) >= KEPT:
            self.lost[FULL] += 1
        else:
            self._offered.append(Wanted(call.call_id, call.generation_id, server, key))

    def due(self, limit: int) -> Sequence[Wanted]:
        """Return the costs whose time has come, in the order of their times."""
        self._sort_in()
        now = clock.now()
        ready = sorted((each for each in self._waiting.values() if each[0] <= now), key=lambda each: each[0])
        return [wanted for _, wanted in ready[:limit]]

    def next_due(self) -> float | None:
        """Return the seconds until the next time comes; `None` when nothing is wanted."""
        self._sort_in()
        times = [at for at, _ in self._waiting.values()]
        return max(0.0, min(times) - clock.now()) if times else None

    def found(self, wanted: Wanted) -> None:
        """Forget a call whose cost is known."""
        self._waiting.pop(wanted.call_id, None)

    def later(self, wanted: Wanted, seconds: float) -> None:
        """Ask again in so many seconds."""
        self._waiting[wanted.call_id] = (clock.now() + seconds, wanted)

    def given_up(self, wanted: Wanted, why: str) -> None:
        """Forget a call whose cost is not to be had."""
        self._waiting.pop(wanted.call_id, None)
        self._give_up(wanted, why)

    def refused(self, wanted: Wanted) -> None:
        """Forget the calls of a key that may not ask."""
        self._refused.add(wanted.key)
        kept = {name: each for name, each in self._waiting.items() if each[1].key != wanted.key}
        self.lost[REFUSED] += len(self._waiting) - len(kept)
        self._waiting = kept

    def _sort_in(self) -> None:
        self._in_this_process()
        while self._offered:
            wanted = self._offered.popleft()
            self._waiting[wanted.call_id] = (clock.now() + FIRST, wanted)

    def _in_this_process(self) -> None:
        if self._pid != os.getpid():
            self._begin()
