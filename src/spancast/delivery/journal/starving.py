"""Whether this process's threads wait for their turn to run: what takes long then says nothing of the disk.

A write gives the interpreter's lock up and has to get it back. Among dozens of busy threads, or on a machine with more
to do than it can, that alone takes a tenth of a second.
"""

import os
import time
from contextlib import suppress

LONG = 0.004
"""Seconds for what takes some microseconds where a thread may run at once; a busy thread keeps it for five."""
LOOKS = 5
"""Tries, for each may be lucky."""
HOLDS = 1.0
"""Seconds for which it is not looked again."""


class Starving:
    """Of one process. For any thread."""

    def __init__(self) -> None:
        self._until = 0.0

    def is_so(self) -> bool:
        """Look whether a thread that gives the interpreter up for nothing has to wait for it."""
        if time.monotonic() < self._until:
            return True
        for _ in range(LOOKS):
            began = time.perf_counter()
            with suppress(OSError):
                os.stat(os.devnull)  # noqa: PTH116 - quicker, and this file lies on no disk
            if self.felt(time.perf_counter() - began):
                return True
        return False

    def felt(self, seconds: float) -> bool:
        """Take note of how much longer something took than where a thread may run; return whether that says so."""
        if seconds > LONG:
            self._until = time.monotonic() + HOLDS
        return seconds > LONG
