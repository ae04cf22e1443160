"""What `--fill` adds: the costs of calls where they were unknown, and adjustments for all other differences."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.adjustments import Adjustment
from spancast.bookkeeping.reconciling.amount import NOTHING, Amount, known, together
from spancast.bookkeeping.reconciling.billed import Billed
from spancast.bookkeeping.reconciling.comparison import Comparison, Different
from spancast.records.late import LateFacts


@dataclass(frozen=True, slots=True)
class Filling:
    """What to add to the ledger."""

    late_facts: tuple[LateFacts, ...]
    adjustments: tuple[Adjustment, ...]

    def __bool__(self) -> bool:
        """Whether there is anything to add."""
        return bool(self.late_facts or self.adjustments)


def filling(found: Comparison) -> Filling:
    """Return what corrects the ledger, except for calls that OpenRouter may still bill."""
    late_facts = tuple(late for each in found.different if (late := _late(each)))
    return Filling(late_facts, tuple(_adjustments(found)))


def _late(each: Different) -> LateFacts | None:
    """Return the facts to add to the call; `None` where the ledger lacks none of them."""
    row, billed = each.calls[0], each.billed
    if len(each.calls) > 1 or not (_lacks_cost(row) or _lacks_byok(row, billed)):
        return None
    return LateFacts(
        at=time.time_ns(),
        source="analytics",
        call_id=row.call_id,
        provider=billed.provider,
        response_model=billed.model,
        input_tokens=billed.input_tokens,
        output_tokens=billed.output_tokens,
        cached_tokens=billed.cached_tokens,
        reasoning_tokens=billed.reasoning_tokens,
        cost=billed.amount.credits,
        upstream_cost=billed.amount.byok if billed.is_byok else None,
        is_byok=billed.is_byok,
    )


def _adjustments(found: Comparison) -> Iterator[Adjustment]:
    for each in found.different:
        booked = together(_after(row, each.billed) if len(each.calls) == 1 else known(row) for row in each.calls)
        delta = each.billed.amount - booked - each.adjusted
        if not delta.is_nothing:
            yield Adjustment(
                kind="different",
                delta=delta,
                booked=booked.credits,
                billed=each.billed.amount.credits,
                call_id=each.calls[0].call_id,
                generation=each.billed,
            )
    for theirs in found.theirs_only:
        if not theirs.is_explained:
            yield Adjustment(
                kind="theirs_only",
                delta=theirs.delta,
                booked=None,
                billed=theirs.billed.amount.credits,
                generation=theirs.billed,
            )
    for ours in found.ours_only:
        if not ours.is_explained and ours.why in ("not billed", "no generation id"):
            yield Adjustment(
                kind="ours_only",
                delta=ours.delta,
                booked=ours.call.cost,
                billed=NOTHING.credits,
                call_id=ours.call.call_id,
                generation_id=ours.call.generation_id,
            )


def _after(row: CallRow, billed: Billed) -> Amount:
    """Return what the ledger holds for a call after these facts were added; see `spancast.records.late.filled`."""
    cost = billed.amount.credits if _lacks_cost(row) else known(row).credits
    is_byok = billed.is_byok if row.is_byok is None else row.is_byok
    if not is_byok:
        return Amount(cost)
    upstream = row.upstream_cost
    if upstream is None:
        upstream = billed.amount.byok if billed.is_byok else NOTHING.byok
    return Amount(cost, upstream)


def _lacks_cost(row: CallRow) -> bool:
    return row.cost is None or row.cost_source == "prices"


def _lacks_byok(row: CallRow, billed: Billed) -> bool:
    return billed.is_byok and (row.is_byok is None or (row.is_byok and row.upstream_cost is None))
