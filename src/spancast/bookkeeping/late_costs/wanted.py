"""A cost that OpenRouter is to be asked for, and the patience with which it is asked.

A generation cannot be looked up at once: of 416 recorded lookups, most of them right behind the completion, 410 found
nothing. So the first try comes after seconds, further ones ever later, and after about half an hour it is given up.
"""

import random
from dataclasses import dataclass, field

FIRST = 2.0
"""Seconds from the end of a call to the first try."""
LONGEST = 240.0
"""Seconds between two tries at most."""
TRIES = 13
"""How often a generation is looked up that is not found."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """The cost of one call."""

    call_id: str
    generation_id: str
    server: str
    """The base URL of the API, such as `https://openrouter.ai/api/v1`."""
    key: str = field(repr=False)
    misses: int = 0
    """How often it was asked for in vain."""


def patience(misses: int) -> float | None:
    """Return the seconds until the next try after so many misses (from 1); `None` when it is given up."""
    if misses >= TRIES:
        return None
    return random.uniform(0.5, 1.0) * min(LONGEST, FIRST * 2.0**misses)  # noqa: S311 - no secret
