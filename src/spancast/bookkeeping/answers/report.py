"""The result of a query for costs: sums by group, in order, and over all groups."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from heapq import nsmallest
from typing import NamedTuple, Self

from spancast.base import money
from spancast.bookkeeping.answers.adjustment_sums import AdjustmentSum, total_of
from spancast.bookkeeping.answers.dimensions import Group
from spancast.bookkeeping.schema import TOKENS
from spancast.bookkeeping.sums import Sums


@dataclass(frozen=True, slots=True, kw_only=True)
class CostRow:
    """The sums of one group; `None` for tokens and a cost that no call of the group states."""

    group: Mapping[str, str | None]
    """The values of the dimensions."""
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
    """Calls that may have had a cost, which is unknown."""
    refused_calls: int
    """Calls without a cost that OpenRouter refused, so that no model ran; see `sums.REFUSED_STATUSES`."""
    estimated_calls: int
    """Calls whose cost, which is in the sum, is an estimate by the price list."""
    adjustments: int = 0
    """The number of adjustments that `spancast reconcile --fill` stored."""
    adjusted: Decimal | None = None
    """US dollars of the adjustments, which are in the cost; `None` where there are none."""

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
    """Sums by group, highest cost first and unknown cost last, and over all groups."""

    rows: tuple[CostRow, ...]
    total: CostRow
    complete_since: date | None = None
    """The first day with all its calls, where the answer needs single calls that were pruned; else `None`."""
    more: int | None = 0
    """The number of groups beyond the rows; `None` where they were not counted."""
    rest: CostRow = field(default_factory=CostRow.nothing)
    """The sums of those groups."""
    nobody: CostRow | None = None
    """The sums of calls without a user, in the rows or not; `None` where there are none, or `user` is no dimension."""

    @classmethod
    def nothing(cls) -> Self:
        """Return the sums over no calls."""
        return cls((), CostRow.nothing())

    def __iter__(self) -> Iterator[CostRow]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)


class GroupTotals(NamedTuple):
    """The sums of a group's calls, and of its adjustments."""

    calls: Sums
    adjustments: AdjustmentSum

    @property
    def picos(self) -> int | None:
        """The pico-dollars of both; `None` where no cost is known."""
        return self.calls["picos"] + self.adjustments.picos if self.calls["priced"] or self.adjustments.count else None


def group_totals(calls: Mapping[Group, Sums], adjustments: Mapping[Group, AdjustmentSum]) -> dict[Group, GroupTotals]:
    """Return the totals of each group."""
    found = {group: GroupTotals(sums, _NOTHING) for group, sums in calls.items()}
    found |= {group: GroupTotals(calls.get(group, _NO_CALLS), noted) for group, noted in adjustments.items()}
    return found


def combined(groups: Collection[GroupTotals]) -> GroupTotals:
    """Return the totals of several groups together."""
    rows = [totals.calls.values for totals in groups]
    return GroupTotals(Sums.over(rows) if rows else Sums(), total_of(totals.adjustments for totals in groups))


class FoundGroups(NamedTuple):
    """The groups for a report."""

    groups: Mapping[Group, GroupTotals]
    """Those that may be shown, and the one without a user."""
    total: GroupTotals
    """Of all groups."""
    group_count: int | None
    """The number of all groups, where it was counted."""

    @classmethod
    def all(cls, groups: Mapping[Group, GroupTotals]) -> "FoundGroups":
        """Return the result where all groups were read."""
        return cls(groups, combined(groups.values()), len(groups))


def report(by: Sequence[str], found: FoundGroups, top: int | None = None, complete_since: date | None = None) -> Report:
    """Return the report on groups by the dimensions `by`; with `top`, only as many rows."""
    groups = found.groups
    shown = _ranked(groups, top)
    more = None if found.group_count is None else found.group_count - len(shown)
    without_user = (
        [totals for group, totals in groups.items() if group[by.index("user")] is None] if "user" in by else []
    )
    return Report(
        rows=tuple(_row(dict(zip(by, group, strict=True)), groups[group]) for group in shown),
        total=_row({}, found.total),
        complete_since=complete_since,
        more=more,
        rest=_row({}, _less(found.total, [groups[group] for group in shown])) if more != 0 else CostRow.nothing(),
        nobody=_row({}, combined(without_user)) if without_user else None,
    )


def _ranked(groups: Mapping[Group, GroupTotals], top: int | None) -> Sequence[Group]:
    """Return the groups in descending order of cost, unknown cost last."""
    ordered = (
        (_rank(totals.picos), [(value is None, value or "") for value in group], group)
        for group, totals in groups.items()
    )
    found = sorted(ordered) if top is None else nsmallest(top, ordered)
    return [group for _, _, group in found]


def _rank(picos: int | None) -> tuple[bool, int]:
    return picos is None, -(picos or 0)


def _less(total: GroupTotals, parts: Collection[GroupTotals]) -> GroupTotals:
    """Return the total without some groups."""
    calls, adjustments = combined(parts)
    left = Sums(list(total.calls.values))
    left.add(calls, -1)
    return GroupTotals(
        left, AdjustmentSum(total.adjustments.count - adjustments.count, total.adjustments.picos - adjustments.picos)
    )


def _row(group: Mapping[str, str | None], totals: GroupTotals) -> CostRow:
    (sums, adjustments), picos = totals, totals.picos
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
        adjustments=adjustments.count,
        adjusted=money.dollars(adjustments.picos) if adjustments.count else None,
    )


_SORTS = len(TOKENS)
_NO_CALLS, _NOTHING = Sums(), AdjustmentSum()
