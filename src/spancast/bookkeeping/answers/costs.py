"""Sums over the calls, by user, model, day or whatever else was asked for.

Sums of money are exact: of the stated amounts to 12 decimals, rounded half-even per call beyond. A call of unknown cost
is counted as such and adds nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from sqlite3 import Connection
from typing import Self

from spancast import money
from spancast.bookkeeping.answers.dearest import dearest, is_by_users_alone
from spancast.bookkeeping.answers.dimensions import Dimension, Legend, dimension
from spancast.bookkeeping.answers.filter import Filter, teach
from spancast.bookkeeping.answers.grounded import Grounded, grounded, take
from spancast.bookkeeping.answers.sources import queries
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.kept import complete_since
from spancast.bookkeeping.sums import Sums


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
    complete_since: date | None = None
    """From which day on no call is missing, where the answer had to be read from single calls that were pruned."""

    @classmethod
    def nothing(cls) -> Self:
        """Return the sums over no calls."""
        return cls((), CostRow.nothing())

    def __iter__(self) -> Iterator[CostRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


def costs(book: Book, by: Sequence[str], chosen: Filter, top: int | None = None) -> Report:
    """Return the sums of the `chosen` calls by the dimensions `by`; of the `top` dearest groups, where that is given.

    Raises `ConfigurationError` for an unknown dimension.
    """
    dimensions = [dimension(name) for name in by]
    asked = list(dict.fromkeys(each.ground for each in dimensions))
    with book.reading() as connection:
        teach(connection)
        found, total = _found(connection, asked, chosen, top)
        since = complete_since(connection, [each.read for each in queries(asked, chosen) if each.read is not None])
        legend = Legend(connection, {ground: [key[at] for key in found] for at, ground in enumerate(asked)})
    tallies: dict[tuple[str | None, ...], Sums] = {}
    for group, sums in zip(_groups(dimensions, asked, list(found), legend), found.values(), strict=True):
        take(tallies, group, sums)
    return Report(_rows(by, tallies)[:top], _row({}, total), since)


def reported(by: Sequence[str], tallies: Mapping[tuple[str | None, ...], Sums]) -> Report:
    """Return the report on sums by the values of the dimensions `by`, which are of all the calls that are meant."""
    total = Sums()
    for sums in tallies.values():
        total.add(sums)
    return Report(_rows(by, tallies), _row({}, total))


def _groups(
    dimensions: Sequence[Dimension], asked: Sequence[str], keys: Sequence[tuple[int | None, ...]], legend: Legend
) -> Iterator[tuple[str | None, ...]]:
    """Yield the values of the dimensions that each key stands for."""
    columns = []
    for each in dimensions:
        at = asked.index(each.ground)
        values = {number: each.tell(legend[each.ground][number]) for number in {key[at] for key in keys}}
        columns.append([values[key[at]] for key in keys])
    return zip(*columns, strict=True) if columns else iter([()] * len(keys))


def _found(connection: Connection, asked: Sequence[str], chosen: Filter, top: int | None) -> tuple[Grounded, Sums]:
    """Return the sums by the columns that are asked for, as many as `top` needs, and over all."""
    if top is not None and list(asked) == ["user"] and is_by_users_alone(chosen):
        whole = grounded(connection, [], queries([], chosen), chosen)
        return dearest(connection, chosen, top), whole.get((), Sums())
    found, total = grounded(connection, asked, queries(asked, chosen), chosen), Sums()
    for sums in found.values():
        total.add(sums)
    return found, total


def _rows(by: Sequence[str], tallies: Mapping[tuple[str | None, ...], Sums]) -> tuple[CostRow, ...]:
    rows = [_row(dict(zip(by, group, strict=True)), sums) for group, sums in tallies.items()]
    return tuple(sorted(rows, key=_dearest_first))


def _row(group: Mapping[str, str | None], sums: Sums) -> CostRow:
    return CostRow(
        group=group,
        calls=sums["calls"],
        input_tokens=sums.tokens("input_tokens"),
        output_tokens=sums.tokens("output_tokens"),
        cached_tokens=sums.tokens("cached_tokens"),
        reasoning_tokens=sums.tokens("reasoning_tokens"),
        cost=money.dollars(sums["picos"]) if sums["priced"] else None,
        errors=sums["errors"],
        unknown_cost_calls=sums["calls"] - sums["priced"] - sums["refused"],
        refused_calls=sums["refused"],
        estimated_calls=sums["estimated"],
    )


def _dearest_first(row: CostRow) -> tuple[bool, Decimal, list[tuple[bool, str]]]:
    return row.cost is None, -(row.cost or Decimal()), [(value is None, value or "") for value in row.group.values()]
