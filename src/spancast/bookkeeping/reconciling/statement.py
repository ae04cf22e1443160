"""What OpenRouter bills for a stretch of time: totals of whole days, and single generations."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from spancast.bookkeeping.reconciling.account import Account
from spancast.bookkeeping.reconciling.amount import Amount, together
from spancast.bookkeeping.reconciling.billed import Billed
from spancast.bookkeeping.reconciling.days import Days, Tally
from spancast.bookkeeping.reconciling.generations import Keys, Window, detailed, windows
from spancast.bookkeeping.reconciling.span import Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """What was asked, and what came."""

    span: Span
    """All that it is of."""
    days: Days = field(default_factory=dict)
    """The totals of whole days, where there are any."""
    examined: tuple[Span, ...] = ()
    """What it tells generation by generation."""
    windows: tuple[Window, ...] = ()
    elsewhere: frozenset[str] = frozenset()
    """Ids of what was billed shortly before or after the time: its calls are no affair of this statement."""

    @property
    def billed(self) -> Sequence[Billed]:
        """Return the generations, each once."""
        found = {each.generation_id: each for window in self.windows for each in window.billed}
        return list(found.values())

    @property
    def total(self) -> Amount:
        """Return all that was billed: by the days' totals where there are any, else call by call."""
        days = together(tally.total for tally in self.days.values())
        return days + together(each.amount for each in self.billed if each.day not in self.days)

    def is_examined(self, day: str) -> bool:
        """Whether a whole day is told generation by generation."""
        return any(span.day == day for span in self.examined)

    def with_details(self, account: Account, ids: Collection[str]) -> "Statement":
        """Return it with provider, application, key and user of these generations."""
        asked = (
            detailed(account, window) if any(each.generation_id in ids for each in window.billed) else window
            for window in self.windows
        )
        return replace(self, windows=tuple(asked))


def whole_days(span: Span, told: Days, last: str, first: str) -> Mapping[str, Tally]:
    """Return what is told of the whole days in a stretch of time, from the day `first` to `last`; 0 of the others."""
    whole = [each.day for each in span.days() if each.is_day and first <= each.day <= last]
    return {day: told.get(day, Tally()) for day in whole}


def examine(account: Account, spans: Iterable[Span], keys: Keys) -> tuple[Window, ...]:
    """Return what was billed in these stretches of time."""
    return tuple(window for span in spans for window in windows(account, span, keys))
