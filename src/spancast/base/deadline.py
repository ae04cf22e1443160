"""A point in time by which an operation must end: created once, then passed to every step of the operation."""

from spancast.base import clock


class Deadline:
    """A number of seconds from now, by a clock that nobody sets."""

    __slots__ = ("at",)

    def __init__(self, seconds: float) -> None:
        self.at = clock.now() + seconds
        """In seconds of `clock.now`."""

    @property
    def remaining(self) -> float:
        """The seconds until the deadline; 0 once it has passed."""
        return max(0.0, self.at - clock.now())

    @property
    def expired(self) -> bool:
        """Whether the deadline has passed."""
        return clock.now() >= self.at
