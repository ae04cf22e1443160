"""A machine's clocks, as a test moves them."""

import time

import pytest

from spancast.base import clock


class Clocks:
    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.passed = 0.0
        """Seconds that have passed beside the real ones."""
        self.set_by = 0.0
        """Seconds by which somebody has set the clock on the wall."""
        wall, wall_ns, steady, named, ours = time.time, time.time_ns, time.monotonic, time.clock_gettime, clock.now
        patch.setattr(time, "time", lambda: wall() + self.passed + self.set_by)
        patch.setattr(time, "time_ns", lambda: wall_ns() + int((self.passed + self.set_by) * 1e9))
        patch.setattr(time, "monotonic", lambda: steady() + self.passed)
        patch.setattr(time, "clock_gettime", lambda number: named(number) + self.passed)
        patch.setattr(clock, "now", lambda: ours() + self.passed)
