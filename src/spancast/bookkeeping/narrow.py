"""The tokens and costs of a call in narrow columns: a number that others imply is stored as a difference, mostly zero.

SQLite stores a zero without any data bytes, and a typical call states the same dollars three times: as its cost, as its
upstream cost, and as the sum of that cost's parts. `schema` has the SQL that restores the numbers, `call_fields` the
Python.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from operator import attrgetter
from typing import Any, NamedTuple

from spancast.base import money
from spancast.bookkeeping.schema import CARRY
from spancast.records.call import Call

TOKEN_FIELDS = (
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "cached_tokens",
    "cache_write_tokens",
    "reasoning_tokens",
)
"""Fields of a `Call` that count tokens."""
COST_PARTS = ("upstream_input_cost", "upstream_output_cost")
"""Fields of a `Call` that have columns only where both are exact in pico-dollars."""

COLUMN_LIMIT = 2**63
"""The first number that is too large for a column."""
_OUTSIZE_TOKENS = 2**40
"""The token count from which a call is outsize: sums of such calls could exceed their columns."""
_UNITS = [10 ** (money.PICO - decimals) for decimals in range(money.PICO + 1)]
"""The pico-dollars of one unit in the last place, by number of decimals."""
_tokens_of = attrgetter(*TOKEN_FIELDS)


class Columns(NamedTuple):
    """The columns for the tokens and costs of a call."""

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
    """Return the tokens and costs of a call as columns; `None` for a number that is too large."""
    first, output, total, cached, written, reasoning = tokens = _tokens_of(call)
    is_outsize = _is_outsize(tokens)
    if is_outsize:
        first, output, total, cached, written, reasoning = map(storable, tokens)
    cost, text = _amount(call.cost)
    upstream, upstream_text = _amount(call.upstream_cost)
    part, other_part = _parts_of(call, upstream)
    is_known = cost is not None or text is not None
    return Columns._make(
        (
            first,
            output,
            _excess(total, first, output),
            cached,
            written,
            reasoning,
            cost,
            text,
            _excess(upstream, cost, 0),
            upstream_text,
            part,
            other_part,
            None if is_known and call.cost_source != "prices" else 1,
            1 if is_outsize or (is_known and (cost is None or cost < 0)) else None,
        )
    )


def _is_outsize(tokens: Sequence[int | None]) -> bool:
    """Return whether a token count is too large for the sums."""
    first, output, total, cached, written, reasoning = tokens
    # Nearly all counts are non-negative and small, which one comparison of their bitwise OR shows.
    if (
        0
        <= (first or 0) | (output or 0) | (total or 0) | (cached or 0) | (written or 0) | (reasoning or 0)
        < _OUTSIZE_TOKENS
    ):
        return False
    return any(count is not None and abs(count) >= _OUTSIZE_TOKENS for count in tokens)


def call_fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a `Call` from its `columns`."""
    cost, upstream = row["cost"], _restored(row["upstream_cost"], row["cost"], 0)
    return {
        **{name: row[name] for name in TOKEN_FIELDS},
        "total_tokens": _restored(row["total_tokens"], row["input_tokens"], row["output_tokens"]),
        "cost": _stated(cost, row["cost_text"]),
        "upstream_cost": _stated(upstream, row["upstream_cost_text"]),
        **_parts(row["upstream_input_cost"], row["upstream_output_cost"], upstream),
    }


def _parts(first: int | None, beyond: int | None, upstream: int | None) -> dict[str, Decimal]:
    if first is None or beyond is None:
        return {}
    return dict(zip(COST_PARTS, map(money.dollars, (first, beyond + (upstream or 0) - first)), strict=True))


def storable(number: int | None) -> int | None:
    """Return the number, or `None` where it is too large for a column: an absurd count must not stop the booking."""
    return number if number is not None and abs(number) < COLUMN_LIMIT else None


def _amount(cost: Decimal | None) -> tuple[int | None, str | None]:
    """Return the pico-dollars, and the text as stated where they do not reproduce it."""
    if cost is None:
        return None, None
    text = str(cost)
    decimals = text[2:]
    # Fast path: nearly all costs are below a dollar, written as 0.123.
    if text[:2] == "0." and len(decimals) <= money.PICO and decimals.isdecimal():
        return int(decimals) * _UNITS[len(decimals)], text if text[-1] == "0" else None
    return _unusual_amount(money.valid(cost))


def _unusual_amount(cost: Decimal | None) -> tuple[int | None, str | None]:
    """Return the same for a cost in another notation."""
    if cost is None:
        return None, None
    pico, text = money.pico(cost), money.plain(cost)
    if abs(pico) >= CARRY:
        return None, text
    return pico, None if money.plain(money.dollars(pico)) == text else text


def _parts_of(call: Call, upstream: int | None) -> tuple[int | None, int | None]:
    """Return the columns of both parts, where pico-dollars reproduce both as stated."""
    if call.upstream_input_cost is None or call.upstream_output_cost is None:
        return None, None
    (one, text), (other, another) = _amount(call.upstream_input_cost), _amount(call.upstream_output_cost)
    if one is None or other is None or text is not None or another is not None:
        return None, None
    return one, _excess(one + other, upstream, 0)


def _stated(pico: int | None, text: str | None) -> Decimal | None:
    if text is not None:
        return Decimal(text)
    return None if pico is None else money.dollars(pico)


def _excess(number: int | None, one: int | None, other: int | None) -> int | None:
    """Return a number minus two others; the number itself where one of those is unknown."""
    if number is None or one is None or other is None:
        return number
    return storable(number - one - other)


def _restored(number: int | None, one: int | None, other: int | None) -> int | None:
    return number if number is None or one is None or other is None else number + one + other
