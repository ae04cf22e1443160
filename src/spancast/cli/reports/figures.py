"""Figures derived from sums: shares, averages, sums of sums. Unknown is `None`."""

from collections.abc import Iterable
from decimal import Decimal

from spancast.base import money
from spancast.base.money import EXACT
from spancast.bookkeeping.answers.report import CostRow

MILLION = 10**6


def share(row: CostRow, total: CostRow) -> Decimal | None:
    """Return the row's share of the total's dollars, from 0 to 1."""
    return _ratio(row.cost, total.cost)


def per_call(row: CostRow) -> Decimal | None:
    """Return the average dollars of the calls whose cost is known, to the pico-dollar."""
    return _average(_of_calls(row), _priced(row))


def per_million_tokens(row: CostRow) -> Decimal | None:
    """Return the dollars per million input and output tokens, to the pico-dollar.

    The tokens include those of calls of unknown cost; if there are any, the result is a lower bound.
    """
    if row.input_tokens is None and row.output_tokens is None:
        return None
    cost = _of_calls(row)
    scaled = None if cost is None else EXACT.multiply(cost, MILLION)
    return _average(scaled, (row.input_tokens or 0) + (row.output_tokens or 0))


def cached_share(row: CostRow) -> Decimal | None:
    """Return the share of the input tokens that was read from a cache."""
    return _ratio(row.cached_tokens, row.input_tokens)


def error_share(row: CostRow) -> Decimal | None:
    """Return the share of the calls that failed."""
    return _ratio(row.errors, row.calls)


def sum_rows(rows: Iterable[CostRow]) -> CostRow:
    """Return the sums of several rows."""
    sums = CostRow.nothing()
    for row in rows:
        sums = CostRow(
            group={},
            calls=sums.calls + row.calls,
            input_tokens=_plus(sums.input_tokens, row.input_tokens),
            output_tokens=_plus(sums.output_tokens, row.output_tokens),
            cached_tokens=_plus(sums.cached_tokens, row.cached_tokens),
            reasoning_tokens=_plus(sums.reasoning_tokens, row.reasoning_tokens),
            cost=add_known(sums.cost, row.cost),
            errors=sums.errors + row.errors,
            unknown_cost_calls=sums.unknown_cost_calls + row.unknown_cost_calls,
            refused_calls=sums.refused_calls + row.refused_calls,
            estimated_calls=sums.estimated_calls + row.estimated_calls,
            adjustments=sums.adjustments + row.adjustments,
            adjusted=add_known(sums.adjusted, row.adjusted),
        )
    return sums


def add_known(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the exact sum of the amounts that are known."""
    return other if one is None else one if other is None else EXACT.add(one, other)


def _priced(row: CostRow) -> int:
    return row.calls - row.unknown_cost_calls - row.refused_calls


def _of_calls(row: CostRow) -> Decimal | None:
    """Return the dollars without adjustments, which may belong to calls that the ledger does not have."""
    if row.cost is None or not _priced(row):
        return None
    return row.cost if row.adjusted is None else EXACT.subtract(row.cost, row.adjusted)


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    return None if part is None or not whole else EXACT.divide(Decimal(part), Decimal(whole))


def _average(amount: Decimal | None, number: int) -> Decimal | None:
    average = _ratio(amount, number)
    return None if average is None else money.dollars(money.pico(average))
