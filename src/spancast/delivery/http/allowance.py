"""The time that one pass of a courier may take."""

from collections.abc import Callable
from dataclasses import dataclass

from spancast.base.deadline import Deadline
from spancast.delivery.http import wire


@dataclass(frozen=True, slots=True)
class Allowance:
    """When a pass has to stop sending requests."""

    deadline: Deadline
    stopped: Callable[[], bool]
    """Whether the courier was stopped meanwhile."""
    full_timeout: bool = False
    """Whether a request may outlast the deadline: cutting it off would leave in doubt whether the platform has it."""

    @property
    def expired(self) -> bool:
        """Whether no further request may start."""
        return self.stopped() or self.deadline.expired

    @property
    def remaining(self) -> float:
        """The seconds that the next request may take."""
        return wire.TIMEOUT_SECONDS if self.full_timeout else min(wire.TIMEOUT_SECONDS, self.deadline.remaining)
