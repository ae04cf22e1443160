"""Totals of whole UTC days, as OpenRouter states them and as the ledger has them.

A day whose totals agree by model and provider need not be compared call by call. A day that does not agree may still be
right: a call that began before midnight may be billed after it, and the answer may name the model differently.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from spancast.base.http_status import FIRST_ERROR
from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.account import Row
from spancast.bookkeeping.reconciling.amount import Amount, known, together
from spancast.bookkeeping.reconciling.reading import count, dollars, text
from spancast.errors import SpancastError

_Group = tuple[str | None, str | None]
"""A model and a provider."""


@dataclass(slots=True)
class DayTotals:
    """The totals of one day."""

    calls: int = 0
    """Of the ledger's calls, those whose cost is known."""
    groups: defaultdict[_Group, Amount] = field(default_factory=lambda: defaultdict(Amount))
    is_open: bool = False
    """Whether OpenRouter may still state the cost of a call."""

    def add(self, calls: int, group: _Group, amount: Amount) -> None:
        """Add calls of one group."""
        self.calls += calls
        self.groups[group] += amount

    def add_call(self, row: CallRow) -> None:
        """Add a call of the ledger."""
        self.add(int(row.cost is not None), (row.response_model or row.request_model, row.provider), known(row))
        self.is_open = self.is_open or is_open(row)

    def merge(self, other: "DayTotals") -> None:
        """Add another day's totals."""
        self.calls += other.calls
        self.is_open = self.is_open or other.is_open
        for group, amount in other.groups.items():
            self.groups[group] += amount

    @property
    def total(self) -> Amount:
        """The sum over all groups."""
        return together(self.groups.values())

    def agrees(self, other: "DayTotals") -> bool:
        """Whether the dollars of every group are the same."""
        groups = self.groups.keys() | other.groups.keys()
        return all((self.of(group) - other.of(group)).is_nothing for group in groups)

    def of(self, group: _Group) -> Amount:
        """Return the sum of a group."""
        return self.groups.get(group, Amount())


def read_activity(rows: Iterable[Row]) -> dict[str, DayTotals]:
    """Return the totals by day from GET /activity; raise `SpancastError` where a row has no day or no dollars."""
    totals: defaultdict[str, DayTotals] = defaultdict(DayTotals)
    for row in rows:
        day = (text(row, "date") or "")[:10]
        if not is_date(day):
            raise SpancastError(
                f"OpenRouter's activity has a row whose date is {row.get('date')!r}, not a day such as 2026-11-01."
            )
        group = (text(row, "model_permaslug") or text(row, "model"), text(row, "provider_name"))
        amount = Amount(dollars(row, "usage"), dollars(row, "byok_usage_inference"))
        totals[day].add(count(row, "requests") or 0, group, amount)
    return dict(totals)


def day_of(row: CallRow) -> str:
    """Return the UTC day in which a call began."""
    return datetime.fromtimestamp(row.started_at // NS_PER_SECOND, UTC).date().isoformat()


def is_open(row: CallRow) -> bool:
    """Whether the ledger lacks a call's cost, or has an estimate, and OpenRouter may still state it."""
    is_unknown = row.cost is None or row.cost_source == "prices"
    return is_unknown and row.generation_id is not None and (row.http_status or 0) < FIRST_ERROR


def is_date(value: str) -> bool:
    """Whether a text is a date such as 2026-11-01."""
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat() == value
    except ValueError:
        return False


Days = Mapping[str, DayTotals]
