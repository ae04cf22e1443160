"""How long this process's threads wait for their turn to run: what takes as long says nothing of the disk.

A write gives the interpreter's lock up and has to get it back. Among dozens of busy threads, or on a machine with more
to do than it can, that alone takes a tenth of a second.
"""

import os
import time
from contextlib import suppress

from spancast.base import clock

LONG = 0.004
"""Seconds for what takes some microseconds where a thread may run at once; a busy thread keeps it for five."""
LOOKS = 5
"""Tries, for each may be lucky."""
HOLDS = 1.0
"""Seconds for which it is not looked again."""
TURNS = 2
"""How often a thread that writes has to wait for its turn until others see that it has."""


class Starving:
    """Of one process. For any thread."""

    def __init__(self) -> None:
        self._late = 0.0
        self._until = 0.0

    def felt(self, seconds: float) -> None:
        """Take note of how much longer something took than where a thread may run."""
        now = clock.now()
        if seconds > LONG and (seconds > self._late or now > self._until):
            self._late, self._until = seconds, now + HOLDS

    def accounts_for(self) -> float:
        """Return the seconds by which a write may be late through no fault of the disk."""
        if clock.now() > self._until:
            self._late = 0.0
            self._look()
        return TURNS * self._late

    def _look(self) -> None:
        """See whether a thread that gives the interpreter up for nothing has to wait for it."""
        for _ in range(LOOKS):
            began = time.perf_counter()
            with suppress(OSError):
                os.stat(os.devnull)  # noqa: PTH116 - quicker, and this file lies on no disk
            took = time.perf_counter() - began
            if took > LONG:
                self.felt(took)
                return
