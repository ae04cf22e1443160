"""What a call took and cost, in narrow columns: a number that others imply is kept as its difference, mostly zero.

SQLite keeps a zero in no byte at all, and a call of the usual sort states the same dollars three times over: as its
cost, as its upstream cost, and in that one's parts. `schema` has the SQL that reads the columns, `told` is the same in
Python.
"""

from collections.abc import Mapping
from decimal import Decimal
from operator import attrgetter
from typing import Any

from spancast import money
from spancast.bookkeeping.schema import CARRY
from spancast.call import Call

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

_BIGGEST = 2**63 - 1
_SUMMED = 2**40
"""Tokens of a call from which on it stands outside the sums, which could not hold many of its kind."""
_SHORT = 7
"""Digits of dollars that are more than a price has."""
_tallied = attrgetter(*TALLIED)


def columns(call: Call) -> dict[str, Any]:
    """Return the columns that say what a call took and cost, as far as they can hold it."""
    tokens = _tallied(call)
    is_outsize = any(count is not None and abs(count) >= _SUMMED for count in tokens)
    first, output, total, cached, written, reasoning = map(held, tokens) if is_outsize else tokens
    cost, text = _amount(call.cost)
    upstream, upstream_text = _amount(call.upstream_cost)
    parts = _exact(call.upstream_input_cost, call.upstream_output_cost)
    is_known = cost is not None or text is not None
    return {
        "input_tokens": first,
        "output_tokens": output,
        "total_tokens": _beyond(total, first, output),
        "cached_tokens": cached,
        "cache_write_tokens": written,
        "reasoning_tokens": reasoning,
        "cost": cost,
        "cost_text": text,
        "upstream_cost": _beyond(upstream, cost, 0),
        "upstream_cost_text": upstream_text,
        "upstream_input_cost": parts and parts[0],
        "upstream_output_cost": parts and _beyond(parts[0] + parts[1], upstream, 0),
        "awaits_cost": None if is_known and call.cost_source != "prices" else 1,
        "outsize": 1 if is_outsize or (is_known and (cost is None or cost < 0)) else None,
    }


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
    return number if number is not None and abs(number) <= _BIGGEST else None


def _amount(cost: Decimal | None) -> tuple[int | None, str | None]:
    """Return the pico-dollars, and the text where they do not say it as stated."""
    if cost is None:
        return None, None
    text = str(cost)
    whole, _, decimals = text.partition(".")
    if len(whole) < _SHORT and len(decimals) <= money.PICO and (whole + decimals).isdecimal():
        return int(whole + decimals.ljust(money.PICO, "0")), text if decimals.endswith("0") else None
    return _odd_amount(money.stated(cost))


def _odd_amount(cost: Decimal | None) -> tuple[int | None, str | None]:
    """Return the same of what is not written as prices usually are."""
    if cost is None:
        return None, None
    pico, text = money.pico(cost), money.plain(cost)
    if abs(pico) >= CARRY:
        return None, text
    return pico, None if money.plain(money.dollars(pico)) == text else text


def _exact(first: Decimal | None, second: Decimal | None) -> tuple[int, int] | None:
    """Return both parts in pico-dollars, where that says both as they were stated."""
    if first is None or second is None:
        return None
    (one, text), (other, another) = _amount(first), _amount(second)
    return None if one is None or other is None or text is not None or another is not None else (one, other)


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
