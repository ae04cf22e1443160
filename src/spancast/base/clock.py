"""The clock that waits are measured by: monotonic, and not frozen by the application's tests."""

import sys
import time
from collections.abc import Callable
from functools import partial

# Tools that freeze time, such as freezegun, replace `time.monotonic` in `time` and in every module that has imported
# it; a wait measured by it would never end. They do not look inside a `partial`, and they leave `clock_gettime` alone,
# even if they were active before this module was imported.
now: Callable[[], float] = (
    partial(time.monotonic) if sys.platform == "win32" else partial(time.clock_gettime, time.CLOCK_MONOTONIC)
)
"""Seconds since an arbitrary moment, as `time.monotonic` returns them."""
