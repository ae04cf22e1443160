"""The ledger's days, by the key and the server of the calls: what one reading of it tells before anybody is asked."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from spancast.bookkeeping.answers.calls import calls
from spancast.bookkeeping.answers.filter import Filter
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling.days import Days, Tally, day_of
from spancast.bookkeeping.reconciling.span import Span
from spancast.bookkeeping.reconciling.why import Scope

_Whence = tuple[str | None, str | None]
"""The hash of a key, and a server."""


@dataclass(frozen=True, slots=True)
class Survey:
    """What the ledger has for a stretch of time."""

    days: Mapping[_Whence, Days] = field(default_factory=dict)

    def within(self, scope: Scope) -> Days:
        """Return the days of the calls in scope."""
        merged: defaultdict[str, Tally] = defaultdict(Tally)
        for (key, server), days in self.days.items():
            if scope.outside(key, server) is None:
                for day, tally in days.items():
                    merged[day].merge(tally)
        return dict(merged)

    def goes_beyond(self, scope: Scope) -> bool:
        """Whether there are calls outside the scope."""
        return any(scope.outside(key, server) is not None for key, server in self.days)


def survey(book: Book, span: Span) -> Survey:
    """Read the calls that began in a stretch of time, once."""
    found: defaultdict[_Whence, defaultdict[str, Tally]] = defaultdict(lambda: defaultdict(Tally))
    for row in calls(book, Filter(since=span.start, until=span.end)):
        found[row.key_hash, row.server_address][day_of(row)].count(row)
    return Survey({whence: dict(days) for whence, days in found.items()})
