"""What a call cost: what the credits were charged, and what a provider took with the account's own key."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal

from spancast.base import money
from spancast.bookkeeping.answers.calls import CallRow

_EXACT = Context(prec=200)
_DOUBLE = Decimal(2) ** -53
"""The most by which a double differs from what it stands for, as a part of it (IEEE 754)."""


@dataclass(frozen=True, slots=True)
class Amount:
    """US dollars, exact. The two add up to what was spent, and are compared apart."""

    credits: Decimal = Decimal(0)
    byok: Decimal = Decimal(0)
    """What providers billed the account's own keys beside OpenRouter's credits."""

    def __add__(self, other: "Amount") -> "Amount":
        """Return both together."""
        return Amount(_EXACT.add(self.credits, other.credits), _EXACT.add(self.byok, other.byok))

    def __sub__(self, other: "Amount") -> "Amount":
        """Return what is left."""
        return Amount(_EXACT.subtract(self.credits, other.credits), _EXACT.subtract(self.byok, other.byok))

    @property
    def is_nothing(self) -> bool:
        """Whether both are 0 to the 12th decimal; what is beyond is the noise of the doubles that OpenRouter writes."""
        return money.pico(self.credits) == 0 == money.pico(self.byok)

    def is_noise(self, total: "Amount", calls: int) -> bool:
        """Whether it is no more than adding `calls` doubles up to `total` can be off by."""
        parts = ((self.credits, total.credits), (self.byok, total.byok))
        return self.is_nothing or all(abs(part) <= abs(whole) * calls * _DOUBLE for part, whole in parts)


NOTHING = Amount()


def together(amounts: Iterable[Amount]) -> Amount:
    """Return the sum."""
    return sum(amounts, NOTHING)


def booked(row: CallRow) -> Amount | None:
    """Return what the ledger says of a call; `None` where it does not know all of it."""
    if row.cost is None:
        return None
    if not row.is_byok:
        return Amount(row.cost)
    return None if row.upstream_cost is None else Amount(row.cost, row.upstream_cost)


def known(row: CallRow) -> Amount:
    """Return as much as the ledger knows of what a call cost."""
    byok = row.upstream_cost if row.is_byok else None
    return Amount(row.cost or Decimal(0), byok or Decimal(0))
