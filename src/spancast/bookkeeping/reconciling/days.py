"""Whole UTC days: what OpenRouter says was used, and what the ledger has for them.

A day that agrees by model and provider needs no call by call. One that does not agree may still be right: a call that
began before midnight is billed after it, a model that is called otherwise in its answer is in another group.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.account import Row
from spancast.bookkeeping.reconciling.amount import Amount, known, together
from spancast.bookkeeping.reconciling.reading import count, dollars, text
from spancast.errors import SpancastError

_Group = tuple[str | None, str | None]
"""A model and a provider."""
_ERRORS = 400


@dataclass(slots=True)
class Tally:
    """The sums of one day."""

    calls: int = 0
    """Of the ledger's, those whose cost is known."""
    groups: defaultdict[_Group, Amount] = field(default_factory=lambda: defaultdict(Amount))
    is_open: bool = False
    """Whether a call of it has no cost yet that OpenRouter may state."""

    def add(self, calls: int, group: _Group, amount: Amount) -> None:
        """Add calls of one group."""
        self.calls += calls
        self.groups[group] += amount

    def count(self, row: CallRow) -> None:
        """Add a call of the ledger."""
        self.add(int(row.cost is not None), (row.response_model or row.request_model, row.provider), known(row))
        self.is_open = self.is_open or is_open(row)

    def merge(self, other: "Tally") -> None:
        """Add all that another has."""
        self.calls += other.calls
        self.is_open = self.is_open or other.is_open
        for group, amount in other.groups.items():
            self.groups[group] += amount

    @property
    def total(self) -> Amount:
        """All groups together."""
        return together(self.groups.values())

    def agrees(self, other: "Tally") -> bool:
        """Whether the dollars of every group are the same."""
        groups = self.groups.keys() | other.groups.keys()
        return all((self.of(group) - other.of(group)).is_nothing for group in groups)

    def of(self, group: _Group) -> Amount:
        """Return the sum of a group."""
        return self.groups.get(group, Amount())


def stated(rows: Iterable[Row]) -> dict[str, Tally]:
    """Return the days of GET /activity; raise `SpancastError` where a row has no day or no dollars."""
    tallies: defaultdict[str, Tally] = defaultdict(Tally)
    for row in rows:
        day = (text(row, "date") or "")[:10]
        if not is_date(day):
            raise SpancastError(f"OpenRouter's activity has a row of no day, but {row.get('date')!r}.")
        group = (text(row, "model_permaslug") or text(row, "model"), text(row, "provider_name"))
        amount = Amount(dollars(row, "usage"), dollars(row, "byok_usage_inference"))
        tallies[day].add(count(row, "requests") or 0, group, amount)
    return dict(tallies)


def day_of(row: CallRow) -> str:
    """Return the UTC day in which a call began."""
    return datetime.fromtimestamp(row.started_at // 10**9, UTC).date().isoformat()


def is_open(row: CallRow) -> bool:
    """Whether OpenRouter may state what a call cost, and the ledger has it not, or as an estimate."""
    is_unknown = row.cost is None or row.cost_source == "prices"
    return is_unknown and row.generation_id is not None and (row.http_status or 0) < _ERRORS


def is_date(value: str) -> bool:
    """Whether a text is a day such as 2026-11-01."""
    try:
        return datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC).date().isoformat() == value
    except ValueError:
        return False


Days = Mapping[str, Tally]
