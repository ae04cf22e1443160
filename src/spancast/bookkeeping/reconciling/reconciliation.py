"""The result of comparing the ledger with OpenRouter's bills."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from spancast.bookkeeping.reconciling.amount import NOTHING, Amount, together
from spancast.bookkeeping.reconciling.comparison import Comparison, OursOnly

Source = Literal["analytics", "export", "key"]
"""Where the bills come from: the account, a CSV of its activity page, or the totals of one key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """A whole day, or one of the periods of a key's totals."""

    name: str
    calls: int
    """Calls of the ledger whose cost is known."""
    booked: Amount
    billed: Amount
    examined: bool
    """Whether it was also compared call by call, which then decides."""

    @property
    def delta(self) -> Amount:
        """How much more was billed than booked."""
        return self.billed - self.booked

    @property
    def is_explained(self) -> bool:
        """Whether no difference is left to explain."""
        return self.examined or self.delta.is_nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Reconciliation:
    """The result. `billed` is the sum of `ledger`, `adjusted` and `remainder`, to the last digit."""

    source: Source
    since: datetime
    until: datetime
    days: tuple[Day, ...] = ()
    calls: Comparison = field(default_factory=Comparison)
    """The result call by call, for the periods whose totals did not agree."""
    matched: int = 0
    """Calls that are billed as booked, including those of the days that agree."""
    billed: Amount = NOTHING
    ledger: Amount = NOTHING
    adjusted: Amount = NOTHING
    agreed: Amount = NOTHING
    """What was billed for the calls that matched."""
    filled: int = 0
    """How many costs and adjustments were added to the ledger."""

    @property
    def remainder(self) -> Amount:
        """What is billed, and neither in the ledger nor adjusted."""
        return self.billed - self.ledger - self.adjusted

    @property
    def unexplained(self) -> Amount:
        """The part of the remainder that no single call explains, since OpenRouter's own totals and calls disagree."""
        parts = (each.delta for each in self.calls.parts if not isinstance(each, OursOnly) or each.in_scope)
        days = (day.delta for day in self.days if not day.examined)
        return self.remainder - together(parts) - together(days)

    @property
    def is_explained(self) -> bool:
        """Whether every cent is accounted for."""
        return (
            all(each.is_explained for each in self.calls.parts)
            and all(day.is_explained for day in self.days)
            and self.unexplained.is_noise(self.billed, self.matched + 1)
        )
