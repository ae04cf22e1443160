"""How long to wait after failures: exponential backoff with full jitter, so that processes do not retry in step."""

import random

BASE_SECONDS = 0.5
"""The longest wait after the first failure."""
CAP_SECONDS = 20.0
"""The longest wait after any failure; a destination that recovers is noticed within this time."""
BREAKER_FAILURES = 3
"""Failures in a row after which the circuit breaker is open: a destination is only probed."""
PROBE_SECONDS = 5.0
"""The shortest time between two probes, by any process."""
MAX_RETRY_AFTER_SECONDS = 3600.0
"""A platform that asks for a longer wait is tried again after this time."""

_MAX_DOUBLINGS = 16


def wait(failures: int) -> float:
    """Return the seconds to wait after `failures` (1 or more) in a row: random, below a limit that doubles."""
    limit = min(CAP_SECONDS, BASE_SECONDS * 2.0 ** min(failures - 1, _MAX_DOUBLINGS))
    return random.uniform(0.0, limit)  # noqa: S311 - no secret


def retry_after(after: float) -> float:
    """Return the seconds to wait when a platform asked for `after`: never less, and with jitter."""
    return min(max(after, 0.0), MAX_RETRY_AFTER_SECONDS) + random.uniform(0.0, BASE_SECONDS)  # noqa: S311 - no secret


def pause(failures: int, after: float | None = None) -> float:
    """Return the seconds to send nothing to a destination after so many failures in a row.

    It is at least what the platform asked for (`after`), and at least `PROBE_SECONDS` once the breaker is open.
    """
    least = min(PROBE_SECONDS, CAP_SECONDS) if failures >= BREAKER_FAILURES else 0.0
    return max(wait(failures), least if after is None else retry_after(max(after, least)))
