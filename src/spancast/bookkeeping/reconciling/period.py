"""A time range, and how it is split."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """From `start` to before `end`, both in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        """Whether an instant is within it."""
        return self.start <= at < self.end

    @property
    def day(self) -> str:
        """The day on which it begins."""
        return self.start.date().isoformat()

    @property
    def is_day(self) -> bool:
        """Whether it is exactly one whole day."""
        return self.start == midnight(self.start) and self.end - self.start == _DAY

    def days(self) -> Iterator["Period"]:
        """Yield its days; the first and the last may be partial."""
        start = self.start
        while start < self.end:
            end = min(midnight(start) + _DAY, self.end)
            yield Period(start, end)
            start = end

    def halves(self) -> list["Period"]:
        """Return it split at a whole second; unsplit where there is none within."""
        middle = (self.start + (self.end - self.start) / 2).replace(microsecond=0)
        return [Period(self.start, middle), Period(middle, self.end)] if self.start < middle < self.end else [self]


def midnight(at: datetime) -> datetime:
    """Return the start of the day of an instant."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
