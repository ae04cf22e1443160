"""Random ids of our own: from no generator that the application may seed, and without a look at the operating system.

To ask that for random numbers lets go of the interpreter's lock. The time is in each id, too: what is copied with all
its memory, as a virtual machine is that was suspended, has the same random numbers before it, and makes other ids.
"""

import random
import time

from spancast.base import forks

_random = random.Random()  # noqa: S311 - ids are to be unique, and no secret
forks.in_child(_random.seed)


def call_id(now: int) -> str:
    """Return a new `call_id`: 32 hex digits; `now` is Unix time in nanoseconds."""
    return f"{_random.getrandbits(128) ^ now:032x}"


def trace_id() -> int:
    """Return a new trace id: 128 bits, never 0."""
    return _random.getrandbits(128) ^ time.time_ns() or 1


def span_id() -> int:
    """Return a new span id: 64 bits, never 0."""
    return _random.getrandbits(64) ^ time.time_ns() or 1
