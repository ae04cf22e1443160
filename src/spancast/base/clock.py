"""The clock that waits are measured by: nobody sets it, and the application's own tests do not stop it."""

import sys
import time
from collections.abc import Callable
from functools import partial

# Tools that freeze the time put functions of their own in the place of `time.monotonic`, in `time` and wherever a
# module has it by a name; what waited by it would wait for ever. They do not look into a `partial`, and leave alone the
# clock that is asked for by its number, even where they were at work before this module was imported.
now: Callable[[], float] = (
    partial(time.monotonic) if sys.platform == "win32" else partial(time.clock_gettime, time.CLOCK_MONOTONIC)
)
"""Seconds since some moment, as `time.monotonic` has them."""
