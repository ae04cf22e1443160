"""The ids and the times that the simulator gives out."""

import hashlib
import itertools
import string
from collections.abc import Callable
from random import Random

Clock = Callable[[], float]
"""Tells the Unix time in seconds. The simulator reads it once for each request."""

ALPHANUMERIC = string.ascii_letters + string.digits
START = 1_767_225_600
"""The first day of 2026, where the clock of a seeded simulator starts."""


def ticking() -> Clock:
    """Return a clock that goes on by one second whenever it is read."""
    seconds = itertools.count(START)
    return lambda: float(next(seconds))


class Mint:
    """Makes generation ids: `gen-<unix seconds>-<20 letters and digits>`, as recorded."""

    def __init__(self, seed: int | None) -> None:
        self._random = Random(seed)  # noqa: S311  ids that can be foretold are what a seed asks for

    def generation_id(self, at: float) -> str:
        """Return the next id, for a generation that starts `at`."""
        return f"gen-{int(at)}-{''.join(self._random.choices(ALPHANUMERIC, k=20))}"


def derived(prefix: str, *of: object, length: int = 24) -> str:
    """Return an id that follows from other ids, such as a tool call's from its generation's."""
    digest = hashlib.sha256(repr(of).encode()).hexdigest()
    return f"{prefix}{digest[:length]}"
