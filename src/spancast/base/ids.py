"""Random ids that are made without a look at the operating system, which lets go of the interpreter's lock."""

import random

from spancast.base import forks

_random = random.Random()  # noqa: S311 - ids are to be unique, and no secret
forks.in_child(_random.seed)


def call_id(now: int) -> str:
    """Return a new `call_id`: 128 random bits, as 32 hex digits.

    `now`, Unix time in nanoseconds, is in them: what is copied with all its memory, as a virtual machine is that was
    suspended, has the same random numbers before it, and makes other ids.
    """
    return f"{_random.getrandbits(128) ^ now:032x}"
