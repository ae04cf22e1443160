"""How long this process's threads wait to run: such a delay says nothing about the disk.

A write releases the GIL and has to get it back. Among dozens of busy threads, or on an overloaded machine, that alone
takes a tenth of a second.
"""

import os
import time
from contextlib import suppress

from spancast.base import clock

LATE_SECONDS = 0.004
"""From here on a delay counts. A system call takes microseconds; a busy thread holds the GIL for 5 milliseconds."""
SAMPLES = 5
"""Measurements, since each may find the GIL free by chance."""
VALID_SECONDS = 1.0
"""How long a measurement is used."""
WAITS_PER_WRITE = 2
"""How often a writing thread waits to run: after its write, and before the waiting thread notices."""


class Starvation:
    """Scheduling delays of one process. Thread-safe."""

    def __init__(self) -> None:
        self._delay = 0.0
        self._valid_until = 0.0

    def observe(self, seconds: float) -> None:
        """Record how much longer something took than it would on an idle machine."""
        now = clock.now()
        if seconds > LATE_SECONDS and (seconds > self._delay or now > self._valid_until):
            self._delay, self._valid_until = seconds, now + VALID_SECONDS

    def expected_delay(self) -> float:
        """Return the seconds by which scheduling alone may delay a write."""
        if clock.now() > self._valid_until:
            self._delay = 0.0
            self._measure()
        return WAITS_PER_WRITE * self._delay

    def _measure(self) -> None:
        """Measure how long a thread waits for the GIL after a system call that needs no disk."""
        for _ in range(SAMPLES):
            began = time.perf_counter()
            with suppress(OSError):
                os.stat(os.devnull)  # noqa: PTH116 - faster than `Path`, and on no disk
            took = time.perf_counter() - began
            if took > LATE_SECONDS:
                self.observe(took)
                return
