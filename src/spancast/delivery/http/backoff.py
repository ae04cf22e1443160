"""How long to wait before trying again: full jitter, so that many processes do not come back at once."""

import random

BASE = 0.5
"""Seconds; the longest wait after the first failure."""
CAP = 20.0
"""Seconds; the longest wait after any. A destination that recovers is noticed within this time."""
OPENS = 3
"""Failures in a row after which the breaker is open: then a destination is only probed."""
PROBE = 5.0
"""Seconds between two probes at least, whichever processes make them."""
LONGEST_ASKED = 3600.0
"""Seconds; a platform that asks for more is asked again then."""

_DOUBLINGS = 16


def wait(failures: int) -> float:
    """Return the seconds to wait after so many failures in a row (from 1), at random below a doubling limit."""
    return random.uniform(0.0, min(CAP, BASE * 2.0 ** min(failures - 1, _DOUBLINGS)))  # noqa: S311 - no secret


def asked(after: float) -> float:
    """Return the seconds to wait when a platform asked for `after`: never sooner, and not all processes at once."""
    return min(max(after, 0.0), LONGEST_ASKED) + random.uniform(0.0, BASE)  # noqa: S311 - no secret


def rest(failures: int, after: float | None = None) -> float:
    """Return the seconds to leave a destination alone after so many failures in a row.

    Where the platform asked for `after`, that is the least; where it failed often, `PROBE` is.
    """
    least = min(PROBE, CAP) if failures >= OPENS else 0.0
    return max(wait(failures), least if after is None else asked(max(after, least)))
