"""How long a pass of a courier may go on."""

from collections.abc import Callable
from dataclasses import dataclass

from spancast.base.deadline import Deadline
from spancast.delivery.http import wire


@dataclass(frozen=True, slots=True)
class Allowance:
    """Until when requests may be begun."""

    deadline: Deadline
    stopped: Callable[[], bool]
    """Whether the courier was told to stop in between."""
    whole: bool = False
    """Whether a request that is begun may take as long as any: to cut it off would leave in doubt who has it."""

    @property
    def over(self) -> bool:
        """Whether no further request may be begun."""
        return self.stopped() or self.deadline.over

    @property
    def left(self) -> float:
        """The seconds that a request may take."""
        return wire.PATIENCE if self.whole else min(wire.PATIENCE, self.deadline.left)
