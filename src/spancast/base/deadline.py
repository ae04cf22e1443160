"""Until when something may take: made once, and handed on to all that has its part in it."""

from spancast.base import clock


class Deadline:
    """So many seconds from now, whatever becomes of the clock on the wall."""

    __slots__ = ("at",)

    def __init__(self, seconds: float) -> None:
        self.at = clock.now() + seconds
        """Seconds of `clock.now`."""

    @property
    def left(self) -> float:
        """The seconds until then; none once it is past."""
        return max(0.0, self.at - clock.now())

    @property
    def over(self) -> bool:
        """Whether it is past."""
        return clock.now() >= self.at
