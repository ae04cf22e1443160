"""How long a pass of a courier may go on."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from spancast.delivery.http import wire


@dataclass(frozen=True, slots=True)
class Allowance:
    """Until when requests may be begun."""

    until: float
    """Seconds of `time.monotonic`."""
    stopped: Callable[[], bool]
    """Whether the courier was told to stop in between."""

    def over(self) -> bool:
        """Whether no further request may be begun."""
        return self.stopped() or time.monotonic() >= self.until

    def left(self) -> float:
        """Return the seconds that a request may take."""
        return min(wire.PATIENCE, self.until - time.monotonic())
