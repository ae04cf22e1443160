"""Dollars by the hour, day, week or month, from the first to the last, as a sparkline."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.answers.figures import plus
from spancast.cli.output.charts import sparkline

LONGEST = 30
"""Columns of a sparkline; what is longer has several periods to a column."""


def _day(name: str) -> int:
    return date.fromisoformat(name[:10]).toordinal()


def _month(name: str) -> int:
    return int(name[:4]) * 12 + int(name[5:7])


PERIODS: Mapping[str, Callable[[str], int]] = {
    "hour": lambda name: _day(name) * 24 + int(name[11:13]),
    "day": _day,
    "week": lambda name: _day(name) // 7,
    "month": _month,
}
"""The dimensions that are times, and of each the number of a period by its name."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """From the `first` period to the `last`, by their numbers."""

    period: str
    first: int
    last: int

    @property
    def width(self) -> int:
        """The columns that it takes."""
        return min(self.last - self.first + 1, LONGEST)

    def line(self, rows: Iterable[CostRow]) -> str:
        """Return the sparkline of the dollars of some of the rows; where no call was it is low."""
        known: dict[int, Decimal] = {}
        unknown: set[int] = set()
        for row in rows:
            column = self._column(row)
            if row.cost is None:
                unknown.add(column)
            else:
                known[column] = plus(known.get(column), row.cost) or Decimal()
        return sparkline([_value(known.get(at), is_unknown=at in unknown) for at in range(self.width)])

    def _column(self, row: CostRow) -> int:
        at = _number(self.period, row)
        return (at - self.first) * self.width // (self.last - self.first + 1)


def over(period: str, rows: Iterable[CostRow]) -> Timeline | None:
    """Return the timeline that the rows are on; `None` where there are none."""
    numbers = [_number(period, row) for row in rows]
    return Timeline(period, min(numbers), max(numbers)) if numbers else None


def by_group(rows: Iterable[CostRow], by: Iterable[str]) -> Mapping[tuple[str | None, ...], list[CostRow]]:
    """Return the rows of each group."""
    names, found = list(by), defaultdict[tuple[str | None, ...], list[CostRow]](list)
    for row in rows:
        found[tuple(row.group[name] for name in names)].append(row)
    return found


def _number(period: str, row: CostRow) -> int:
    name = row.group[period]
    assert name is not None
    return PERIODS[period](name)


def _value(known: Decimal | None, *, is_unknown: bool) -> Decimal | None:
    return None if known is None and is_unknown else known or Decimal()
