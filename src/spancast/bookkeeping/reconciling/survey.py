"""The ledger's totals by day, key and server, from one read before OpenRouter is asked anything."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling.days import Days, DayTotals, day_of
from spancast.bookkeeping.reconciling.period import Period
from spancast.bookkeeping.reconciling.why import Scope

_Origin = tuple[str | None, str | None]
"""The hash of a key, and a server."""


@dataclass(frozen=True, slots=True)
class Survey:
    """The ledger's totals in a period."""

    days: Mapping[_Origin, Days] = field(default_factory=dict)

    def within(self, scope: Scope) -> Days:
        """Return the totals by day of the calls in scope."""
        merged: defaultdict[str, DayTotals] = defaultdict(DayTotals)
        for (key, server), days in self.days.items():
            if scope.outside(key, server) is None:
                for day, totals in days.items():
                    merged[day].merge(totals)
        return dict(merged)

    def goes_beyond(self, scope: Scope) -> bool:
        """Whether there are calls outside the scope."""
        return any(scope.outside(key, server) is not None for key, server in self.days)


def survey(book: Book, period: Period) -> Survey:
    """Read the calls that began in a period, once."""
    found: defaultdict[_Origin, defaultdict[str, DayTotals]] = defaultdict(lambda: defaultdict(DayTotals))
    for row in calls(book, Filter(since=period.start, until=period.end)):
        found[row.key_hash, row.server_address][day_of(row)].add_call(row)
    return Survey({origin: dict(days) for origin, days in found.items()})
