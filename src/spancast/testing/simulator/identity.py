"""The ids and timestamps that the simulator generates."""

import hashlib
import itertools
import string
from collections.abc import Callable
from random import Random

Clock = Callable[[], float]
"""Returns the Unix time in seconds. The simulator reads it once per request."""

ALPHANUMERIC = string.ascii_letters + string.digits
START = 1_767_225_600
"""The start of 2026 (UTC), at which the clock of a seeded simulator starts."""


def ticking_clock() -> Clock:
    """Return a clock that advances one second each time it is read."""
    seconds = itertools.count(START)
    return lambda: float(next(seconds))


class IdGenerator:
    """Generates ids that depend only on the seed."""

    def __init__(self, seed: int | None) -> None:
        self._random = Random(seed)  # noqa: S311 - predictable ids are the purpose of a seed

    def generation_id(self, prefix: str, at: float) -> str:
        """Return the id of a generation that starts `at`: `gen-<unix seconds>-<20 letters and digits>`, as recorded."""
        return f"{prefix}{int(at)}-{self._letters()}"

    def batch_id(self) -> str:
        """Return the id of a batch."""
        return f"batch_{self._letters()}"

    def _letters(self) -> str:
        return "".join(self._random.choices(ALPHANUMERIC, k=20))


def derived(prefix: str, *of: object, length: int = 24) -> str:
    """Return an id derived from other ids, such as a tool call's from its generation's."""
    digest = hashlib.sha256(repr(of).encode()).hexdigest()
    return f"{prefix}{digest[:length]}"


def request_id(generation_id: str, at: float) -> str:
    """Return the id of a generation's request: `req-<unix seconds>-…` (openrouter SDK, generations)."""
    return derived(f"req-{int(at)}-", generation_id, length=20)
