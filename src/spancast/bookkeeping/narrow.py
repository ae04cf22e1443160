"""What a call took and cost, in narrow columns: a number that others imply is kept as its difference, mostly zero.

SQLite keeps a zero in no byte at all, and a call of the usual sort states the same dollars three times over: as its
cost, as its upstream cost, and in that one's parts. `schema` has the SQL that reads the columns, `told` is the same in
Python.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from spancast.base import money
from spancast.bookkeeping.schema import CARRY
from spancast.records.call import Call

TALLIED = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
"""Fields of a Call that count tokens."""
PARTS = ("upstream_input_cost", "upstream_output_cost")
"""Fields of a Call that have columns where both are exact in pico-dollars."""

HELD = 2**63
"""What a column cannot hold, nor anything beyond."""
_SUMMED = 2**40
"""Tokens of a call from which on it stands outside the sums, which could not hold many of its kind."""
_UNITS = [10 ** (money.PICO - decimals) for decimals in range(money.PICO + 1)]
"""The pico-dollars of the last of so many decimals."""
_tallied = attrgetter(*TALLIED)


class Columns(NamedTuple):
    """The columns that say what a call took and cost."""

    input_tokens: int | None
    output_tokens: int | None
    total_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost: int | None
    cost_text: str | None
    upstream_cost: int | None
    upstream_cost_text: str | None
    upstream_input_cost: int | None
    upstream_output_cost: int | None
    awaits_cost: int | None
    outsize: int | None


def columns(call: Call) -> Columns:
    """Return the columns that say what a call took and cost, as far as they can hold it."""
    first, output, total, cached, written, reasoning = tokens = _tallied(call)
    is_outsize = _is_outsize(tokens)
    if is_outsize:
        first, output, total, cached, written, reasoning = map(held, tokens)
    cost, text = _amount(call.cost)
    upstream, upstream_text = _amount(call.upstream_cost)
    part, other_part = _parts_of(call, upstream)
    is_known = cost is not None or text is not None
    return Columns._make(
        (
            first,
            output,
            _beyond(total, first, output),
            cached,
            written,
            reasoning,
            cost,
            text,
            _beyond(upstream, cost, 0),
            upstream_text,
            part,
            other_part,
            None if is_known and call.cost_source != "prices" else 1,
            1 if is_outsize or (is_known and (cost is None or cost < 0)) else None,
        )
    )


def _is_outsize(tokens: Sequence[int | None]) -> bool:
    """Return whether the sums could not hold many calls of these tokens."""
    first, output, total, cached, written, reasoning = tokens
    # Nearly all counts are natural and small, which the bits of all of them together tell at once.
    if 0 <= (first or 0) | (output or 0) | (total or 0) | (cached or 0) | (written or 0) | (reasoning or 0) < _SUMMED:
        return False
    return any(count is not None and abs(count) >= _SUMMED for count in tokens)


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a Call that `columns` made the columns of."""
    cost, upstream = row["cost"], _whole(row["upstream_cost"], row["cost"], 0)
    return {
        **{name: row[name] for name in TALLIED},
        "total_tokens": _whole(row["total_tokens"], row["input_tokens"], row["output_tokens"]),
        "cost": _stated(cost, row["cost_text"]),
        "upstream_cost": _stated(upstream, row["upstream_cost_text"]),
        **_parts(row["upstream_input_cost"], row["upstream_output_cost"], upstream),
    }


def _parts(first: int | None, beyond: int | None, upstream: int | None) -> dict[str, Decimal]:
    if first is None or beyond is None:
        return {}
    return dict(zip(PARTS, map(money.dollars, (first, beyond + (upstream or 0) - first)), strict=True))


def held(number: int | None) -> int | None:
    """Return the number, or `None` where a column cannot hold it: one absurd count may not stop the booking."""
    return number if number is not None and abs(number) < HELD else None


def _amount(cost: Decimal | None) -> tuple[int | None, str | None]:
    """Return the pico-dollars, and the text where they do not say it as stated."""
    if cost is None:
        return None, None
    text = str(cost)
    decimals = text[2:]
    # Nearly all are parts of a dollar, which are written like this and read at once.
    if text[:2] == "0." and len(decimals) <= money.PICO and decimals.isdecimal():
        return int(decimals) * _UNITS[len(decimals)], text if text[-1] == "0" else None
    return _odd_amount(money.stated(cost))


def _odd_amount(cost: Decimal | None) -> tuple[int | None, str | None]:
    """Return the same of what is not written as prices usually are."""
    if cost is None:
        return None, None
    pico, text = money.pico(cost), money.plain(cost)
    if abs(pico) >= CARRY:
        return None, text
    return pico, None if money.plain(money.dollars(pico)) == text else text


def _parts_of(call: Call, upstream: int | None) -> tuple[int | None, int | None]:
    """Return the columns of both parts, where pico-dollars say both as they were stated."""
    if call.upstream_input_cost is None or call.upstream_output_cost is None:
        return None, None
    (one, text), (other, another) = _amount(call.upstream_input_cost), _amount(call.upstream_output_cost)
    if one is None or other is None or text is not None or another is not None:
        return None, None
    return one, _beyond(one + other, upstream, 0)


def _stated(pico: int | None, text: str | None) -> Decimal | None:
    if text is not None:
        return Decimal(text)
    return None if pico is None else money.dollars(pico)


def _beyond(number: int | None, one: int | None, other: int | None) -> int | None:
    """Return a number without the two that are in it; all of it where one of those is unknown."""
    if number is None or one is None or other is None:
        return number
    return held(number - one - other)


def _whole(number: int | None, one: int | None, other: int | None) -> int | None:
    return number if number is None or one is None or other is None else number + one + other
