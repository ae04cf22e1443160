"""Random ids, from a generator that the application cannot seed and without a system call.

A system call for random numbers would release the GIL. Each id also mixes in the time: a copy of the process's memory,
such as a resumed snapshot of a virtual machine, continues the same random sequence and must still make other ids.
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
