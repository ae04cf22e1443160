"""What follows from sums: shares, averages, and the sums of sums. What cannot be told is `None`."""

from collections.abc import Iterable
from decimal import Context, Decimal

from spancast.base import money
from spancast.bookkeeping.answers.report import CostRow

MILLION = 10**6

_EXACT = Context(prec=200)


def share(row: CostRow, total: CostRow) -> Decimal | None:
    """Return the part of the total's dollars that are the row's; 1 is all of them."""
    return _ratio(row.cost, total.cost)


def per_call(row: CostRow) -> Decimal | None:
    """Return the dollars of a call whose cost is known, on average, to the pico-dollar."""
    return _average(_of_calls(row), _priced(row))


def per_million_tokens(row: CostRow) -> Decimal | None:
    """Return the dollars of a million tokens of input and output, to the pico-dollar.

    Tokens of calls of unknown cost are among them: where there are any, it is the least that it may be.
    """
    if row.input_tokens is None and row.output_tokens is None:
        return None
    cost = _of_calls(row)
    scaled = None if cost is None else _EXACT.multiply(cost, MILLION)
    return _average(scaled, (row.input_tokens or 0) + (row.output_tokens or 0))


def cached_share(row: CostRow) -> Decimal | None:
    """Return the part of the tokens of input that was read from a cache."""
    return _ratio(row.cached_tokens, row.input_tokens)


def error_share(row: CostRow) -> Decimal | None:
    """Return the part of the calls that failed."""
    return _ratio(row.errors, row.calls)


def added(rows: Iterable[CostRow]) -> CostRow:
    """Return the sums over several groups."""
    sums = CostRow.nothing()
    for row in rows:
        sums = CostRow(
            group={},
            calls=sums.calls + row.calls,
            input_tokens=_plus(sums.input_tokens, row.input_tokens),
            output_tokens=_plus(sums.output_tokens, row.output_tokens),
            cached_tokens=_plus(sums.cached_tokens, row.cached_tokens),
            reasoning_tokens=_plus(sums.reasoning_tokens, row.reasoning_tokens),
            cost=plus(sums.cost, row.cost),
            errors=sums.errors + row.errors,
            unknown_cost_calls=sums.unknown_cost_calls + row.unknown_cost_calls,
            refused_calls=sums.refused_calls + row.refused_calls,
            estimated_calls=sums.estimated_calls + row.estimated_calls,
            adjustments=sums.adjustments + row.adjustments,
            adjusted=plus(sums.adjusted, row.adjusted),
        )
    return sums


def plus(one: Decimal | None, other: Decimal | None) -> Decimal | None:
    """Return the dollars of both, exactly, as far as they are known."""
    return other if one is None else one if other is None else _EXACT.add(one, other)


def _priced(row: CostRow) -> int:
    return row.calls - row.unknown_cost_calls - row.refused_calls


def _of_calls(row: CostRow) -> Decimal | None:
    """Return the dollars without the adjustments, which are of calls that the ledger may not have."""
    if row.cost is None or not _priced(row):
        return None
    return row.cost if row.adjusted is None else _EXACT.subtract(row.cost, row.adjusted)


def _plus(one: int | None, other: int | None) -> int | None:
    return other if one is None else one if other is None else one + other


def _ratio(part: Decimal | int | None, whole: Decimal | int | None) -> Decimal | None:
    return None if part is None or not whole else _EXACT.divide(Decimal(part), Decimal(whole))


def _average(amount: Decimal | None, number: int) -> Decimal | None:
    average = _ratio(amount, number)
    return None if average is None else money.dollars(money.pico(average))
