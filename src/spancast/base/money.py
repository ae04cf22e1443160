"""Dollars without loss: the stated decimal is kept, sums are of integer pico-dollars, rounded half-even per call."""

from decimal import ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

PICO = 12
"""Decimals of a pico-dollar; OpenRouter states up to 10, and binary noise beyond (facts: recorded `usage.cost`)."""

_EXACT = Context(prec=200, rounding=ROUND_HALF_EVEN)
_UNIT = Decimal(1).scaleb(-PICO)
_LONGEST = 100
"""Digits on either side of the point; a number that is longer is no price."""


def stated(cost: Decimal | None) -> Decimal | None:
    """Return the cost, or `None` for what is no amount of money: not finite, or of absurdly many digits."""
    if cost is None or not cost.is_finite():
        return None
    exponent = cost.as_tuple().exponent
    assert isinstance(exponent, int)
    return cost if cost.adjusted() < _LONGEST and -_LONGEST <= exponent <= _LONGEST else None


def pico(cost: Decimal) -> int:
    """Return the cost in pico-dollars: exact to 12 decimals, rounded half-even beyond."""
    try:
        return int(cost.quantize(_UNIT, context=_EXACT).scaleb(PICO, context=_EXACT))
    except InvalidOperation as error:
        raise ValueError(f"{cost} dollars are beyond what can be counted.") from error


def column(cost: Decimal | None) -> int | None:
    """Return the pico-dollars that a database column holds; `None` where they are unknown, or beyond 64 bits."""
    counted = None if cost is None else pico(cost)
    return counted if counted is not None and abs(counted) < _TOO_BIG else None


_TOO_BIG = 2**63


def dollars(picos: int) -> Decimal:
    """Return the exact dollars of a sum of pico-dollars, without trailing zeros."""
    return Decimal(picos).scaleb(-PICO, context=_EXACT).normalize(_EXACT)


def rounded(cost: Decimal) -> Decimal:
    """Return `dollars(pico(cost))`, the cost as sums take it, in half the time."""
    return cost.quantize(_UNIT, context=_EXACT).normalize(_EXACT) or _ZERO


_ZERO = Decimal(0)
"""Without the sign that a zero can have."""


def plain(cost: Decimal) -> str:
    """Return every digit of the amount in plain notation: `3.6e-6` is `"0.0000036"`, trailing zeros are kept."""
    return format(cost, "f")
