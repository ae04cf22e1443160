"""What OpenRouter bills for a period: totals of whole days, and single generations."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spancast.bookkeeping.reconciling.account import OpenRouterAccount
from spancast.bookkeeping.reconciling.amount import Amount, together
from spancast.bookkeeping.reconciling.billed import Billed
from spancast.bookkeeping.reconciling.days import Days, DayTotals
from spancast.bookkeeping.reconciling.generations import Keys, Window, detailed, windows
from spancast.bookkeeping.reconciling.period import Period


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """The bills of a period."""

    period: Period
    days: Days = field(default_factory=dict)
    """The totals of whole days, where there are any."""
    examined: tuple[Period, ...] = ()
    """The periods that it lists generation by generation."""
    windows: tuple[Window, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    """Ids of generations that were billed shortly before or after the period; their calls are not compared."""

    @property
    def billed(self) -> Sequence[Billed]:
        """Return the generations, each once."""
        found = {each.generation_id: each for window in self.windows for each in window.billed}
        return list(found.values())

    @property
    def total(self) -> Amount:
        """Return all that was billed: the days' totals where there are any, else the sum of the generations."""
        days = together(totals.total for totals in self.days.values())
        return days + together(each.amount for each in self.billed if each.day not in self.days)

    def is_examined(self, day: str) -> bool:
        """Whether a whole day is listed generation by generation."""
        return any(period.day == day for period in self.examined)

    def with_details(self, account: OpenRouterAccount, ids: Collection[str]) -> "Statement":
        """Return it with the provider, application, key and user of these generations."""
        with_details = (
            detailed(account, window) if any(each.generation_id in ids for each in window.billed) else window
            for window in self.windows
        )
        return replace(self, windows=tuple(with_details))


def whole_days(period: Period, stated: Days, last: str, first: str) -> Mapping[str, DayTotals]:
    """Return the totals of the whole days in a period, from `first` to `last`; zero for days that are not stated."""
    whole = [each.day for each in period.days() if each.is_day and first <= each.day <= last]
    return {day: stated.get(day, DayTotals()) for day in whole}


def examine(account: OpenRouterAccount, periods: Iterable[Period], keys: Keys) -> tuple[Window, ...]:
    """Return what was billed in these periods."""
    return tuple(window for period in periods for window in windows(account, period, keys))
