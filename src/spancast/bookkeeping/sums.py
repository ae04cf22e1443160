"""Sums over calls: what one call adds, and how they add up. Every sum is exact, whatever its size."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from spancast.bookkeeping.posted import Posted
from spancast.bookkeeping.schema import CARRY, COUNTS, STATING, TOKENS

REFUSED = frozenset(range(400, 500)) - {408, 499}
"""The HTTP statuses of a refusal. A request that timed out (408), or was given up (499), may have been run."""

LIMB = 10**9
"""SQL adds money in two limbs, since SQLite's `sum` raises beyond 64 bits."""

_WHOLE = (*COUNTS, *STATING, *TOKENS)
_NAMES = (*_WHOLE, "picos")
_AT = {name: at for at, name in enumerate(_NAMES)}

Addends = tuple[int, ...]
"""What one call adds to each of the sums, in their order; integers, of which truth values are none to `rows`."""

ADDED = ", ".join(
    (
        *(f"coalesce(sum({name}), 0)" for name in _WHOLE),
        f"coalesce(sum(carry), 0), coalesce(sum(cost / {LIMB}), 0), coalesce(sum(cost % {LIMB}), 0)",
    )
)
"""The SQL that adds rows of kept sums up; see `Sums.read`."""


def _nothing() -> list[int]:
    return [0] * len(_NAMES)


def addends(call: Posted, picos: int | None) -> Addends:
    """Return what one call adds, `picos` being its cost, which may be more than its column holds."""
    is_priced = picos is not None
    first, output = call.input_tokens, call.output_tokens
    cached, reasoning = call.cached_tokens, call.reasoning_tokens
    return (
        1,
        0 if call.error_type is None else 1,
        1 if is_priced else 0,
        1 if not is_priced and call.http_status in REFUSED else 0,
        1 if is_priced and call.cost_source == "prices" else 0,
        0 if first is None else 1,
        0 if output is None else 1,
        0 if cached is None else 1,
        0 if reasoning is None else 1,
        first or 0,
        output or 0,
        cached or 0,
        reasoning or 0,
        picos or 0,
    )


@dataclass(slots=True)
class Sums:
    """What is being added up, in integers of any size: `sums["calls"]`.

    The names are those of `schema.COUNTS`, `schema.STATING` and `schema.TOKENS`, and `picos`, the pico-dollars of the
    calls whose cost is known.
    """

    values: list[int] = field(default_factory=_nothing)

    @classmethod
    def of(cls, call: Posted, picos: int | None) -> Self:
        """Return the sums of one call, `picos` being its cost, which may be more than its column holds."""
        return cls([*addends(call, picos)])

    @classmethod
    def over(cls, rows: Sequence[Sequence[int]]) -> Self:
        """Return the sums of some calls, of each what it adds."""
        return cls([*map(sum, zip(*rows, strict=True))] if len(rows) > 1 else [*rows[0]])

    @classmethod
    def read(cls, row: Sequence[int]) -> Self:
        """Return the sums of what `ADDED` made."""
        *whole, carry, high, low = row
        return cls([*whole, carry * CARRY + high * LIMB + low])

    def __getitem__(self, name: str) -> int:
        return self.values[_AT[name]]

    def add(self, other: "Sums", sign: int = 1) -> None:
        """Add what another has, or take it away."""
        self.values = [mine + sign * its for mine, its in zip(self.values, other.values, strict=True)]

    def tokens(self, name: str) -> int | None:
        """Return the tokens of a sort; `None` where no call states them."""
        return self[name] if self[f"{name}_stated"] else None

    def columns(self, sign: int = 1) -> Sequence[int]:
        """Return the values of the columns `schema.SUMS`, or what takes them away."""
        *whole, picos = self.values if sign > 0 else [-value for value in self.values]
        if 0 <= picos < CARRY:
            return (*whole, picos, 0)
        carry, cost = divmod(abs(picos), CARRY)
        return (*whole, cost, carry) if picos >= 0 else (*whole, -cost, -carry)
