"""A stretch of time, and the stretches it can be cut into."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `start` to before `end`, both in UTC."""

    start: datetime
    end: datetime

    def __contains__(self, at: datetime) -> bool:
        """Whether an instant lies within."""
        return self.start <= at < self.end

    @property
    def day(self) -> str:
        """The day in which it begins."""
        return self.start.date().isoformat()

    @property
    def is_day(self) -> bool:
        """Whether it is one whole day."""
        return self.start == midnight(self.start) and self.end - self.start == _DAY

    def days(self) -> Iterator["Span"]:
        """Yield it day by day; the first and the last may be parts of a day."""
        start = self.start
        while start < self.end:
            end = min(midnight(start) + _DAY, self.end)
            yield Span(start, end)
            start = end

    def halves(self) -> list["Span"]:
        """Return it cut in two, at a whole second; as it is where there is none within."""
        middle = (self.start + (self.end - self.start) / 2).replace(microsecond=0)
        return [Span(self.start, middle), Span(middle, self.end)] if self.start < middle < self.end else [self]


def midnight(at: datetime) -> datetime:
    """Return when the day began in which an instant lies."""
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
