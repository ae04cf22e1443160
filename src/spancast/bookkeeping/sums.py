"""Sums over calls: what one call adds, and how sums add up. Every sum is exact, whatever its size."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from spancast.bookkeeping.posted import Posted
from spancast.bookkeeping.schema import CARRY, COUNTS, STATING, TOKENS

REFUSED_STATUSES = frozenset(range(400, 500)) - {408, 499}
"""HTTP statuses of refused requests, for which no model ran; after 408 (timeout) or 499 (cancelled) one may have."""

LIMB = 10**9
"""SQL adds money in two limbs of this base, since SQLite's `sum` raises beyond 64 bits."""

_WHOLE = (*COUNTS, *STATING, *TOKENS)
_NAMES = (*_WHOLE, "picos")
_AT = {name: at for at, name in enumerate(_NAMES)}

Addends = tuple[int, ...]
"""What one call adds to each sum, in order. Exact `int`s, no `bool`s, which are slow to bind; see `rows`."""

SUMMED_COLUMNS = ", ".join(
    (
        *(f"coalesce(sum({name}), 0)" for name in _WHOLE),
        f"coalesce(sum(carry), 0), coalesce(sum(cost / {LIMB}), 0), coalesce(sum(cost % {LIMB}), 0)",
    )
)
"""The SQL that adds up rows of stored sums; see `Sums.read`."""


def _nothing() -> list[int]:
    return [0] * len(_NAMES)


def addends(call: Posted, picos: int | None) -> Addends:
    """Return what one call adds; `picos` is its cost, which may exceed its column."""
    is_priced = picos is not None
    first, output = call.input_tokens, call.output_tokens
    cached, reasoning = call.cached_tokens, call.reasoning_tokens
    return (
        1,
        0 if call.error_type is None else 1,
        1 if is_priced else 0,
        1 if not is_priced and call.http_status in REFUSED_STATUSES else 0,
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
    """Sums as integers of any size, by name: `sums["calls"]`.

    The names are those of `schema.COUNTS`, `schema.STATING` and `schema.TOKENS`, and `picos`, the pico-dollars of the
    calls whose cost is known.
    """

    values: list[int] = field(default_factory=_nothing)

    @classmethod
    def of(cls, call: Posted, picos: int | None) -> Self:
        """Return the sums of one call; `picos` is its cost, which may exceed its column."""
        return cls([*addends(call, picos)])

    @classmethod
    def over(cls, rows: Sequence[Sequence[int]]) -> Self:
        """Return the sums of rows of addends or values."""
        return cls([*map(sum, zip(*rows, strict=True))] if len(rows) > 1 else [*rows[0]])

    @classmethod
    def read(cls, row: Sequence[int]) -> Self:
        """Return the sums in a row of `SUMMED_COLUMNS`."""
        *whole, carry, high, low = row
        return cls([*whole, carry * CARRY + high * LIMB + low])

    def __getitem__(self, name: str) -> int:
        return self.values[_AT[name]]

    def add(self, other: "Sums", sign: int = 1) -> None:
        """Add another's sums, or with `sign` -1 subtract them."""
        self.values = [mine + sign * its for mine, its in zip(self.values, other.values, strict=True)]

    def tokens(self, name: str) -> int | None:
        """Return the sum of a token count; `None` where no call states it."""
        return self[name] if self[f"{name}_stated"] else None

    def columns(self, sign: int = 1) -> Sequence[int]:
        """Return the values of the columns `schema.SUMS`, negated with `sign` -1."""
        *whole, picos = self.values if sign > 0 else [-value for value in self.values]
        if 0 <= picos < CARRY:
            return (*whole, picos, 0)
        carry, cost = divmod(abs(picos), CARRY)
        return (*whole, cost, carry) if picos >= 0 else (*whole, -cost, -carry)
