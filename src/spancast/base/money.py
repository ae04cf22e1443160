"""Exact US dollars: each call keeps the decimal that OpenRouter stated; sums add pico-dollars, rounded half-even."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

from spancast.base.units import INT64_MAX

PICO = 12
"""Decimal places of a pico-dollar. OpenRouter states up to 10; digits beyond are noise of its binary floats."""

EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)
"""Enough digits that no sum or product of costs is rounded."""
_UNIT = Decimal(1).scaleb(-PICO)
_MAX_DIGITS = 100
"""On either side of the point; a longer number is not a price."""


def valid(cost: Decimal | None) -> Decimal | None:
    """Return the cost, or `None` if it is no amount of money: not finite, or of absurdly many digits."""
    if cost is None or not cost.is_finite():
        return None
    exponent = cost.as_tuple().exponent
    assert isinstance(exponent, int)
    return cost if cost.adjusted() < _MAX_DIGITS and -_MAX_DIGITS <= exponent <= _MAX_DIGITS else None


def pico(cost: Decimal) -> int:
    """Return the cost in pico-dollars: exact to 12 decimals, rounded half-even beyond."""
    try:
        return int(cost.quantize(_UNIT, context=EXACT).scaleb(PICO, context=EXACT))
    except InvalidOperation as error:
        raise ValueError(f"{cost} dollars are too many to count.") from error


def column(cost: Decimal | None) -> int | None:
    """Return the pico-dollars for a database column; `None` if the cost is unknown, or beyond 64 bits."""
    picos = None if cost is None else pico(cost)
    return picos if picos is not None and abs(picos) <= INT64_MAX else None


def dollars(picos: int) -> Decimal:
    """Return the exact dollars of a sum of pico-dollars, without trailing zeros."""
    return Decimal(picos).scaleb(-PICO, context=EXACT).normalize(EXACT)


def rounded(cost: Decimal) -> Decimal:
    """Return the same as `dollars(pico(cost))`, the cost as sums count it, in half the time."""
    return cost.quantize(_UNIT, context=EXACT).normalize(EXACT) or _ZERO


_ZERO = Decimal(0)
"""Unsigned: a decimal zero may be negative."""


def plain(cost: Decimal) -> str:
    """Return the amount in plain notation, trailing zeros included: `3.6e-6` becomes `"0.0000036"`."""
    return format(cost, "f")
