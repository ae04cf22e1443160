"""Sums over the calls, by user, model, day or whatever else was asked for.

Sums of money are exact: of the stated amounts to 12 decimals, rounded half-even per call beyond. A call of unknown cost
is counted as such and adds nothing.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Self

from spancast import money
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.calls import REFUSED
from spancast.bookkeeping.dimensions import expression
from spancast.bookkeeping.filter import Filter, condition, teach

_LIMB = 10**9
"""Sums are of two limbs, since SQLite's `sum` raises beyond 64 bits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """The sums of one group. Tokens and cost are `None` where no call of the group states them."""

    group: Mapping[str, str | None]
    """Its values, by dimension."""
    calls: int
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    reasoning_tokens: int | None
    cost: Decimal | None
    """US dollars of the calls whose cost is known."""
    errors: int
    """Calls that failed."""
    unknown_cost_calls: int
    """Calls that may have cost something of which nobody knows how much."""
    refused_calls: int
    """Calls without a cost that OpenRouter refused, so that no model was run; see `REFUSED`."""
    estimated_calls: int
    """Calls whose cost is an estimate by the list of prices, and is in the sum."""

    @classmethod
    def nothing(cls) -> Self:
        """Return the sums over no calls."""
        return cls(
            group={},
            calls=0,
            input_tokens=None,
            output_tokens=None,
            cached_tokens=None,
            reasoning_tokens=None,
            cost=None,
            errors=0,
            unknown_cost_calls=0,
            refused_calls=0,
            estimated_calls=0,
        )


@dataclass(frozen=True, slots=True)
class Report:
    """Sums by group, dearest first and unknown cost last, and over all."""

    rows: tuple[CostRow, ...]
    total: CostRow


def costs(book: Book, by: Sequence[str], chosen: Filter) -> Report:
    """Return the sums of the `chosen` calls by the dimensions `by`; raise `ConfigurationError` for an unknown one."""
    parameters: dict[str, object] = {}
    groups = [expression(name, number, parameters) for number, name in enumerate(by)]
    where = condition(chosen, parameters)
    with book.reading() as connection:
        teach(connection)
        summed = connection.execute(_sums(groups, where), parameters).fetchall()
        huge = connection.execute(_huge(groups, where), parameters).fetchall()
    tallies: defaultdict[tuple[str | None, ...], _Tally] = defaultdict(_Tally)
    for row in summed:
        tallies[tuple(row)[: len(by)]].take(row)
    for row in huge:
        tallies[tuple(row)[: len(by)]].picos += money.pico(Decimal(row["cost_text"]))
    rows = [tally.row(dict(zip(by, group, strict=True))) for group, tally in tallies.items()]
    return Report(tuple(sorted(rows, key=_dearest_first)), sum(tallies.values(), _Tally()).row({}))


def _sums(groups: Sequence[str], where: str) -> str:
    sums = (
        f"count({column}) AS {column}_known, sum({column} / {_LIMB}) AS {column}_high, "
        f"sum({column} % {_LIMB}) AS {column}_low"
        for column in _SUMMED
    )
    return f"""
        SELECT {"".join(f"{group}, " for group in groups)} count(*) AS calls, count(error_type) AS errors,
            count(cost_text) AS priced, count(iif({_REFUSED}, 1, NULL)) AS refused,
            count(iif(cost_source = 'prices', 1, NULL)) AS estimated, {", ".join(sums)}
        FROM calls WHERE {where} {_grouped(groups)}
    """  # noqa: S608 - made of the names above


_REFUSED = f"cost_text IS NULL AND http_status IN ({', '.join(map(str, sorted(REFUSED)))})"


def _huge(groups: Sequence[str], where: str) -> str:
    """Return the query for the amounts that do not fit into 64 bits of pico-dollars: more than nine million dollars."""
    return f"""
        SELECT {"".join(f"{group}, " for group in groups)} cost_text
        FROM calls WHERE cost IS NULL AND cost_text IS NOT NULL AND {where}
    """  # noqa: S608 - made of the names above


def _grouped(groups: Sequence[str]) -> str:
    return f"GROUP BY {', '.join(str(number + 1) for number in range(len(groups)))}" if groups else ""


_SUMMED = ("input_tokens", "output_tokens", "cached_tokens", "reasoning_tokens", "cost")


@dataclass(slots=True)
class _Tally:
    """What is being added up of one group, in integers of any size."""

    calls: int = 0
    errors: int = 0
    priced: int = 0
    refused: int = 0
    estimated: int = 0
    picos: int = 0
    tokens: dict[str, int] = field(default_factory=dict)
    """By column; one that is absent was never stated."""

    def take(self, row: sqlite3.Row) -> None:
        self.calls, self.errors, self.priced, self.refused, self.estimated = (
            row[name] for name in ("calls", "errors", "priced", "refused", "estimated")
        )
        sums = {name: row[f"{name}_high"] * _LIMB + row[f"{name}_low"] for name in _SUMMED if row[f"{name}_known"]}
        self.picos = sums.pop("cost", 0)
        self.tokens = sums

    def __add__(self, other: "_Tally") -> "_Tally":
        names = self.tokens | other.tokens
        return _Tally(
            self.calls + other.calls,
            self.errors + other.errors,
            self.priced + other.priced,
            self.refused + other.refused,
            self.estimated + other.estimated,
            self.picos + other.picos,
            {name: self.tokens.get(name, 0) + other.tokens.get(name, 0) for name in names},
        )

    def row(self, group: Mapping[str, str | None]) -> CostRow:
        return CostRow(
            group=group,
            calls=self.calls,
            input_tokens=self.tokens.get("input_tokens"),
            output_tokens=self.tokens.get("output_tokens"),
            cached_tokens=self.tokens.get("cached_tokens"),
            reasoning_tokens=self.tokens.get("reasoning_tokens"),
            cost=money.dollars(self.picos) if self.priced else None,
            errors=self.errors,
            unknown_cost_calls=self.calls - self.priced - self.refused,
            refused_calls=self.refused,
            estimated_calls=self.estimated,
        )


def _dearest_first(row: CostRow) -> tuple[bool, Decimal, list[tuple[bool, str]]]:
    return row.cost is None, -(row.cost or Decimal()), [(value is None, value or "") for value in row.group.values()]
