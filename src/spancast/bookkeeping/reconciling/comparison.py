"""Call by call: what is in both, in the ledger only, among the bills only, and what differs."""

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
    """A call that is billed as it is booked; of a batch, one generation of it."""

    call_id: str | None
    """`None` for a generation of several batches that are billed as they are booked together."""
    billed: Billed


@dataclass(frozen=True, slots=True)
class Different:
    """A generation that is billed otherwise than it is booked."""

    calls: tuple[CallRow, ...]
    """One, unless several answers bore the same generation id."""
    billed: Billed
    adjusted: Amount
    """What was put right before."""
    reason: Literal["unknown", "estimated", "amount", "booked twice"]

    @property
    def delta(self) -> Amount:
        """What is still to be added to the ledger."""
        return self.billed.amount - together(map(known, self.calls)) - self.adjusted

    @property
    def is_explained(self) -> bool:
        """Whether it was put right."""
        return self.delta.is_nothing


@dataclass(frozen=True, slots=True)
class OursOnly:
    """A call that OpenRouter has not billed."""

    call: CallRow
    why: Why
    adjusted: Amount
    in_scope: bool
    """Whether it counts among what is compared."""

    @property
    def delta(self) -> Amount:
        """What is still to be added to the ledger: less than nothing where it has a cost that was not billed."""
        return NOTHING - known(self.call) - self.adjusted

    @property
    def is_explained(self) -> bool:
        """Whether no cent depends on it, now or soon."""
        return not self.in_scope or (self.delta.is_nothing and self.why not in ("too recent", "not finished"))


@dataclass(frozen=True, slots=True)
class TheirsOnly:
    """A generation that is billed and is in no ledger of this home."""

    billed: Billed
    adjusted: Amount

    @property
    def delta(self) -> Amount:
        """What is still to be added to the ledger."""
        return self.billed.amount - self.adjusted

    @property
    def is_explained(self) -> bool:
        """Whether it was put right, or cost nothing."""
        return self.delta.is_nothing


Part = Different | OursOnly | TheirsOnly
"""What is not as it should be, or was not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What came of it."""

    matched: tuple[Matched, ...] = ()
    different: tuple[Different, ...] = ()
    ours_only: tuple[OursOnly, ...] = ()
    theirs_only: tuple[TheirsOnly, ...] = ()
    ledger: Amount = NOTHING
    """What the ledger has for all of it that is compared."""
    adjusted: Amount = NOTHING
    """What was put right before."""

    @property
    def parts(self) -> tuple[Part, ...]:
        """All that is not simply the same."""
        return (*self.different, *self.ours_only, *self.theirs_only)


def compare(
    candidates: Sequence[CallRow],
    meant: Callable[[CallRow], bool],
    billed: Sequence[Billed],
    adjustments: Mapping[str, Amount],
    scope: Scope,
) -> Comparison:
    """Match calls and bills by generation id.

    A bill may be of any of the `candidates`; of those that no bill is of, the ones that are `meant` are told of.
    """
    index = _by_generation(candidates)
    found = [(each, tuple(index.get(each.generation_id, ()))) for each in billed]
    taken = {row.call_id for _, rows in found for row in rows}
    left = [row for row in candidates if row.call_id not in taken and meant(row)]
    jobs, parts = _batches(left, [each for each, rows in found if not rows], scope)
    of_batches = {each.generation_id for each in parts}
    adjusted = {each.generation_id: adjustments.get(each.generation_id, NOTHING) for each in billed}
    alone = tuple(_alone(row, adjustments, scope) for row in left if row.call_id not in jobs)
    differing = [each for pair in found if pair[1] and (each := _different(*pair, adjusted[pair[0].generation_id]))]
    others = {each.billed.generation_id for each in differing}
    same = [Matched(rows[0].call_id, each) for each, rows in found if rows and each.generation_id not in others]
    counted = [row for row in candidates if row.call_id in taken or row.call_id in jobs]
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
    """Return how a generation is billed otherwise than it is booked; `None` where it is not."""
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
    """Return the batches' calls and the generations that are billed for them, where both come to the same.

    A batch is one call in the ledger. OpenRouter bills its requests one by one, and does not say of which batch.
    """
    jobs = [row for row in ours if row.operation == "batch" and scope.outside(row.key_hash, row.server_address) is None]
    parts = [each for each in theirs if each.generation_id.startswith(BATCH)]
    if not jobs or not parts:
        return [], []
    rest = together(each.amount for each in parts) - together(map(known, jobs))
    return ([row.call_id for row in jobs], parts) if rest.is_nothing else ([], [])
