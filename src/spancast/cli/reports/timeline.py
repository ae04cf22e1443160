"""Dollars by hour, day, week or month, from the first period to the last, as the values of a sparkline."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.reports.figures import add_known

MAX_COLUMNS = 30
"""Of a sparkline; a longer timeline has several periods in a column."""


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
"""The dimensions of time; for each, how a period's name becomes its number."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """From the `first` period to the `last`, by their numbers."""

    period: str
    first: int
    last: int

    @property
    def width(self) -> int:
        """The number of its columns."""
        return min(self.last - self.first + 1, MAX_COLUMNS)

    def costs(self, rows: Iterable[CostRow]) -> list[Decimal | None]:
        """Return the dollars of some rows by column: zero if there was no call, `None` if no cost is known."""
        known: dict[int, Decimal] = {}
        unknown: set[int] = set()
        for row in rows:
            column = self._column(row)
            if row.cost is None:
                unknown.add(column)
            else:
                known[column] = add_known(known.get(column), row.cost) or Decimal()
        return [_value(known.get(at), is_unknown=at in unknown) for at in range(self.width)]

    def _column(self, row: CostRow) -> int:
        at = _number(self.period, row)
        return (at - self.first) * self.width // (self.last - self.first + 1)


def over(period: str, rows: Iterable[CostRow]) -> Timeline | None:
    """Return the timeline that spans the rows; `None` if there are none."""
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
