"""What a call cost: the credits it was charged, and what its provider billed the account's own key (BYOK)."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from spancast.base import money
from spancast.base.money import EXACT
from spancast.bookkeeping.answers.calls import CallRow

_DOUBLE = Decimal(2) ** -53
"""The relative rounding error of a double, at most (IEEE 754)."""


@dataclass(frozen=True, slots=True)
class Amount:
    """US dollars, exact. Both parts add up to what was spent; each is compared on its own."""

    credits: Decimal = Decimal(0)
    byok: Decimal = Decimal(0)
    """What providers billed the account's own keys, besides OpenRouter's credits."""

    def __add__(self, other: "Amount") -> "Amount":
        """Return the sum."""
        return Amount(EXACT.add(self.credits, other.credits), EXACT.add(self.byok, other.byok))

    def __sub__(self, other: "Amount") -> "Amount":
        """Return the difference."""
        return Amount(EXACT.subtract(self.credits, other.credits), EXACT.subtract(self.byok, other.byok))

    @property
    def is_nothing(self) -> bool:
        """Whether both are 0 to the 12th decimal; beyond it OpenRouter's doubles are inexact."""
        return money.pico(self.credits) == 0 == money.pico(self.byok)

    def is_noise(self, total: "Amount", calls: int) -> bool:
        """Whether it is within the rounding error of adding `calls` doubles up to `total`."""
        parts = ((self.credits, total.credits), (self.byok, total.byok))
        return self.is_nothing or all(abs(part) <= abs(whole) * calls * _DOUBLE for part, whole in parts)


NOTHING = Amount()


def together(amounts: Iterable[Amount]) -> Amount:
    """Return the sum."""
    return sum(amounts, NOTHING)


def booked(row: CallRow) -> Amount | None:
    """Return what the ledger holds for a call; `None` where a part of the amount is unknown."""
    if row.cost is None:
        return None
    if not row.is_byok:
        return Amount(row.cost)
    return None if row.upstream_cost is None else Amount(row.cost, row.upstream_cost)


def known(row: CallRow) -> Amount:
    """Return what the ledger holds for a call, an unknown part as 0."""
    byok = row.upstream_cost if row.is_byok else None
    return Amount(row.cost or Decimal(0), byok or Decimal(0))
