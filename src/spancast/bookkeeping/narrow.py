"""What a call took and cost, in narrow columns: a number that others imply is kept as its difference, mostly zero.

SQLite keeps a zero in no byte at all, and a call of the usual sort states the same dollars three times over: as its
cost, as its upstream cost, and in that one's parts. `schema` has the SQL that reads the columns, `told` is the same in
Python.
"""

from collections.abc import Iterable, Mapping
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
_tallied = attrgetter(*TALLIED)


def columns(call: Call) -> dict[str, Any]:
    """Return the columns that say what a call took and cost, as far as they can hold it."""
    tokens = dict(zip(TALLIED, map(held, _tallied(call)), strict=True))
    stated = money.stated(call.cost)
    cost, text = _amount(stated)
    upstream, upstream_text = _amount(money.stated(call.upstream_cost))
    parts = exact_parts(call)
    is_outsize = (cost is None and stated is not None) or any(_is_outsize(count) for count in tokens.values())
    return {
        **tokens,
        "total_tokens": _beyond(tokens["total_tokens"], tokens["input_tokens"], tokens["output_tokens"]),
        "cost": cost,
        "cost_text": text,
        "upstream_cost": _beyond(upstream, cost),
        "upstream_cost_text": upstream_text,
        "upstream_input_cost": parts and parts[0],
        "upstream_output_cost": parts and _beyond(parts[0] + parts[1], upstream),
        "awaits_cost": 1 if stated is None or call.cost_source == "prices" else None,
        "outsize": 1 if is_outsize else None,
    }


def told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a Call that `columns` made the columns of."""
    cost, upstream = row["cost"], _whole(row["upstream_cost"], row["cost"])
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


def exact_parts(call: Call) -> tuple[int, int] | None:
    """Return the two parts of the upstream cost in pico-dollars, where that says both as they were stated."""
    known = [_amount(money.stated(cost)) for cost in (call.upstream_input_cost, call.upstream_output_cost)]
    if any(pico is None or text is not None for pico, text in known):
        return None
    return known[0][0] or 0, known[1][0] or 0


def held(number: int | None) -> int | None:
    """Return the number, or `None` where a column cannot hold it: one absurd count may not stop the booking."""
    return number if number is not None and abs(number) <= _BIGGEST else None


def _amount(cost: Decimal | None) -> tuple[int | None, str | None]:
    """Return the pico-dollars, and the text where they do not say it as stated."""
    if cost is None:
        return None, None
    pico, text = money.pico(cost), money.plain(cost)
    if abs(pico) >= CARRY:
        return None, text
    return pico, None if money.plain(money.dollars(pico)) == text else text


def _stated(pico: int | None, text: str | None) -> Decimal | None:
    if text is not None:
        return Decimal(text)
    return None if pico is None else money.dollars(pico)


def _beyond(number: int | None, *implied: int | None) -> int | None:
    """Return a number without what others imply of it; all of it where one of those is unknown."""
    return None if number is None else held(number - _sum(implied))


def _whole(number: int | None, *implied: int | None) -> int | None:
    return None if number is None else number + _sum(implied)


def _sum(numbers: Iterable[int | None]) -> int:
    known = [number for number in numbers if number is not None]
    return sum(known) if len(known) == len(list(numbers)) else 0


def _is_outsize(count: int | None) -> bool:
    return count is not None and abs(count) >= _SUMMED
