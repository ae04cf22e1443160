"""A cost to look up at OpenRouter, and how long to wait between tries.

OpenRouter does not know a generation at once: of 416 recorded lookups, most of them right after the completion, 410
found nothing. So the first try comes after seconds, the pauses grow, and after about half an hour the lookup is given
up.
"""

import random
from dataclasses import dataclass, field

FIRST_TRY_SECONDS = 2.0
"""From the end of a call to the first try."""
MAX_RETRY_SECONDS = 240.0
"""Between two tries, at most."""
MAX_TRIES = 13
"""How often a generation that is not found is looked up."""


@dataclass(frozen=True, slots=True)
class CostLookup:
    """The cost of one call."""

    call_id: str
    generation_id: str
    server: str
    """The base URL of the API, such as `https://openrouter.ai/api/v1`."""
    key: str = field(repr=False)
    misses: int = 0
    """How many tries found nothing."""


def retry_seconds(misses: int) -> float | None:
    """Return the seconds until the next try after `misses` (from 1) tries; `None` to give up."""
    if misses >= MAX_TRIES:
        return None
    return random.uniform(0.5, 1.0) * min(MAX_RETRY_SECONDS, FIRST_TRY_SECONDS * 2.0**misses)  # noqa: S311 - no secret
