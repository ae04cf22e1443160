"""Calls matched with bills: those that agree, those that differ, and those that only one side has."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.adjustments import name
from spancast.bookkeeping.reconciling.amount import NOTHING, Amount, booked, known, together
from spancast.bookkeeping.reconciling.billed import BATCH, Billed
from spancast.bookkeeping.reconciling.why import Scope, Why, why


@dataclass(frozen=True, slots=True)
class Matched:
    """A call that is billed as booked; of a batch, one of its generations."""

    call_id: str | None
    """`None` for a generation of several batches that agree only in their sum."""
    billed: Billed


@dataclass(frozen=True, slots=True)
class Different:
    """A generation that is not billed as booked."""

    calls: tuple[CallRow, ...]
    """One, unless several answers had the same generation id."""
    billed: Billed
    adjusted: Amount
    """Earlier adjustments."""
    reason: Literal["unknown", "estimated", "amount", "booked twice"]

    @property
    def delta(self) -> Amount:
        """What the ledger still lacks."""
        return self.billed.amount - together(map(known, self.calls)) - self.adjusted

    @property
    def is_explained(self) -> bool:
        """Whether earlier adjustments cover it."""
        return self.delta.is_nothing


@dataclass(frozen=True, slots=True)
class OursOnly:
    """A call that OpenRouter has not billed."""

    call: CallRow
    why: Why
    adjusted: Amount
    in_scope: bool
    """Whether the statement covers it."""

    @property
    def delta(self) -> Amount:
        """What the ledger still lacks: negative where it has a cost that was not billed."""
        return NOTHING - known(self.call) - self.adjusted

    @property
    def is_explained(self) -> bool:
        """Whether it needs no adjustment, now or later."""
        return not self.in_scope or (self.delta.is_nothing and self.why not in ("too recent", "not finished"))


@dataclass(frozen=True, slots=True)
class TheirsOnly:
    """A generation that is billed and not in this ledger."""

    billed: Billed
    adjusted: Amount

    @property
    def delta(self) -> Amount:
        """What the ledger still lacks."""
        return self.billed.amount - self.adjusted

    @property
    def is_explained(self) -> bool:
        """Whether earlier adjustments cover it, or it cost nothing."""
        return self.delta.is_nothing


Part = Different | OursOnly | TheirsOnly
"""A difference, explained or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """The result of matching."""

    matched: tuple[Matched, ...] = ()
    different: tuple[Different, ...] = ()
    ours_only: tuple[OursOnly, ...] = ()
    theirs_only: tuple[TheirsOnly, ...] = ()
    ledger: Amount = NOTHING
    """What the ledger holds for all calls in scope."""
    adjusted: Amount = NOTHING
    """Earlier adjustments."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All differences."""
        return (*self.different, *self.ours_only, *self.theirs_only)


def compare(
    candidates: Sequence[CallRow],
    is_reported: Callable[[CallRow], bool],
    billed: Sequence[Billed],
    adjustments: Mapping[str, Amount],
    scope: Scope,
) -> Comparison:
    """Match calls and bills by generation id.

    Any of the `candidates` may match a bill. Of those that match none, the result has only those for which
    `is_reported` is true.
    """
    index = _by_generation(candidates)
    found = [(each, tuple(index.get(each.generation_id, ()))) for each in billed]
    matched_ids = {row.call_id for _, rows in found for row in rows}
    unbilled = [row for row in candidates if row.call_id not in matched_ids and is_reported(row)]
    jobs, parts = _batches(unbilled, [each for each, rows in found if not rows], scope)
    of_batches = {each.generation_id for each in parts}
    adjusted = {each.generation_id: adjustments.get(each.generation_id, NOTHING) for each in billed}
    alone = tuple(_alone(row, adjustments, scope) for row in unbilled if row.call_id not in jobs)
    differing = [each for pair in found if pair[1] and (each := _different(*pair, adjusted[pair[0].generation_id]))]
    others = {each.billed.generation_id for each in differing}
    same = [Matched(rows[0].call_id, each) for each, rows in found if rows and each.generation_id not in others]
    counted = [row for row in candidates if row.call_id in matched_ids or row.call_id in jobs]
    return Comparison(
        matched=(*same, *(Matched(jobs[0] if len(jobs) == 1 else None, each) for each in parts)),
        different=tuple(differing),
        ours_only=alone,
        theirs_only=tuple(
            TheirsOnly(each, adjusted[each.generation_id])
            for each, rows in found
            if not rows and each.generation_id not in of_batches
        ),
        ledger=together(map(known, [*counted, *(each.call for each in alone if each.in_scope)])),
        adjusted=together([*adjusted.values(), *(each.adjusted for each in alone if each.in_scope)]),
    )


def _by_generation(rows: Sequence[CallRow]) -> Mapping[str, list[CallRow]]:
    index: defaultdict[str, list[CallRow]] = defaultdict(list)
    for row in rows:
        if row.generation_id is not None:
            index[row.generation_id].append(row)
    return index


def _different(billed: Billed, rows: tuple[CallRow, ...], adjusted: Amount) -> Different | None:
    """Return how the bill of a generation differs from the ledger; `None` where it does not."""
    if any(booked(row) is None for row in rows):
        return Different(rows, billed, adjusted, "unknown")
    if adjusted.is_nothing and (billed.amount - together(map(known, rows))).is_nothing:
        return None
    if len(rows) > 1:
        return Different(rows, billed, adjusted, "booked twice")
    is_estimate = any(row.cost_source == "prices" for row in rows)
    return Different(rows, billed, adjusted, "estimated" if is_estimate else "amount")


def _alone(row: CallRow, adjustments: Mapping[str, Amount], scope: Scope) -> OursOnly:
    adjusted = adjustments.get(name(row.generation_id, row.call_id), NOTHING)
    return OursOnly(row, why(row, scope), adjusted, scope.outside(row.key_hash, row.server_address) is None)


def _batches(ours: Sequence[CallRow], theirs: Sequence[Billed], scope: Scope) -> tuple[Sequence[str], Sequence[Billed]]:
    """Return the ids of the batches' calls, and the generations that were billed for them, where the sums agree.

    A batch is one call in the ledger. OpenRouter bills its requests one by one, without naming the batch.
    """
    jobs = [row for row in ours if row.operation == "batch" and scope.outside(row.key_hash, row.server_address) is None]
    parts = [each for each in theirs if each.generation_id.startswith(BATCH)]
    if not jobs or not parts:
        return [], []
    rest = together(each.amount for each in parts) - together(map(known, jobs))
    return ([row.call_id for row in jobs], parts) if rest.is_nothing else ([], [])
