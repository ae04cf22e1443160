"""What is said of costs: sums by group, in their order, and over all."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from heapq import nsmallest
from typing import NamedTuple, Self

from spancast.base import money
from spancast.bookkeeping.answers.adjusted import Adjusted, added
from spancast.bookkeeping.answers.dimensions import Group
from spancast.bookkeeping.schema import TOKENS
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
    """US dollars of the calls whose cost is known, and of the adjustments."""
    errors: int
    """Calls that failed."""
    unknown_cost_calls: int
    """Calls that may have cost something of which nobody knows how much."""
    refused_calls: int
    """Calls without a cost that OpenRouter refused, so that no model was run; see `REFUSED`."""
    estimated_calls: int
    """Calls whose cost is an estimate by the list of prices, and is in the sum."""
    adjustments: int = 0
    """What `spancast reconcile --fill` noted beside the calls: how much of it there is."""
    adjusted: Decimal | None = None
    """US dollars of it, which are in the cost; `None` where there is none."""

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
    more: int | None = 0
    """How many groups there are besides the rows; `None` where that was not counted."""
    rest: CostRow = field(default_factory=CostRow.nothing)
    """The sums of those."""
    nobody: CostRow | None = None
    """The sums of what has no user, among the rows or not; `None` where it is not summed by users, or all has one."""

    @classmethod
    def nothing(cls) -> Self:
        """Return the sums over no calls."""
        return cls((), CostRow.nothing())

    def __iter__(self) -> Iterator[CostRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class Tally(NamedTuple):
    """What there is of one group: of calls, and beside them."""

    calls: Sums
    beside: Adjusted

    @property
    def picos(self) -> int | None:
        """The pico-dollars of both; `None` where nobody knows of any."""
        return self.calls["picos"] + self.beside.picos if self.calls["priced"] or self.beside.count else None


def tallied(calls: Mapping[Group, Sums], beside: Mapping[Group, Adjusted]) -> dict[Group, Tally]:
    """Return what there is of each group."""
    found = {group: Tally(sums, _NOTHING) for group, sums in calls.items()}
    found |= {group: Tally(calls.get(group, _NO_CALLS), noted) for group, noted in beside.items()}
    return found


def together(tallies: Collection[Tally]) -> Tally:
    """Return what there is of several groups."""
    rows = [tally.calls.values for tally in tallies]
    return Tally(Sums.over(rows) if rows else Sums(), added(tally.beside for tally in tallies))


class Found(NamedTuple):
    """The groups that a report is made of."""

    tallies: Mapping[Group, Tally]
    """Those that may be shown, and what has no user."""
    total: Tally
    """Of all groups."""
    groups: int | None
    """How many there are, where that was counted."""

    @classmethod
    def all(cls, tallies: Mapping[Group, Tally]) -> "Found":
        """Return what is found where all groups are looked at."""
        return cls(tallies, together(tallies.values()), len(tallies))


def report(by: Sequence[str], found: Found, top: int | None = None, complete_since: date | None = None) -> Report:
    """Return the report on groups by the dimensions `by`, with the `top` dearest rows where that is given."""
    tallies = found.tallies
    shown = _dearest(tallies, top)
    more = None if found.groups is None else found.groups - len(shown)
    nobodys = [tally for group, tally in tallies.items() if group[by.index("user")] is None] if "user" in by else []
    return Report(
        rows=tuple(_row(dict(zip(by, group, strict=True)), tallies[group]) for group in shown),
        total=_row({}, found.total),
        complete_since=complete_since,
        more=more,
        rest=_row({}, _less(found.total, [tallies[group] for group in shown])) if more != 0 else CostRow.nothing(),
        nobody=_row({}, together(nobodys)) if nobodys else None,
    )


def _dearest(tallies: Mapping[Group, Tally], top: int | None) -> Sequence[Group]:
    """Return the groups in their order: the dearest first, of unknown cost last."""
    ordered = (
        (_rank(tally.picos), [(value is None, value or "") for value in group], group)
        for group, tally in tallies.items()
    )
    found = sorted(ordered) if top is None else nsmallest(top, ordered)
    return [group for _, _, group in found]


def _rank(picos: int | None) -> tuple[bool, int]:
    return picos is None, -(picos or 0)


def _less(total: Tally, parts: Collection[Tally]) -> Tally:
    """Return what is left of the total."""
    calls, beside = together(parts)
    left = Sums(list(total.calls.values))
    left.add(calls, -1)
    return Tally(left, Adjusted(total.beside.count - beside.count, total.beside.picos - beside.picos))


def _row(group: Mapping[str, str | None], tally: Tally) -> CostRow:
    (sums, beside), picos = tally, tally.picos
    calls, errors, priced, refused, estimated, *tokens, _ = sums.values
    stated, (first, output, cached, reasoning) = tokens[:_SORTS], tokens[_SORTS:]
    return CostRow(
        group=group,
        calls=calls,
        input_tokens=first if stated[0] else None,
        output_tokens=output if stated[1] else None,
        cached_tokens=cached if stated[2] else None,
        reasoning_tokens=reasoning if stated[3] else None,
        cost=None if picos is None else money.dollars(picos),
        errors=errors,
        unknown_cost_calls=calls - priced - refused,
        refused_calls=refused,
        estimated_calls=estimated,
        adjustments=beside.count,
        adjusted=money.dollars(beside.picos) if beside.count else None,
    )


_SORTS = len(TOKENS)
_NO_CALLS, _NOTHING = Sums(), Adjusted()
