"""Dollars as OpenRouter writes them into JSON."""

from decimal import Decimal

import msgspec

_MAX_INTEGER_DIGITS = 21
_MAX_LEADING_ZEROS = 5


def spelled(dollars: Decimal) -> str:
    """Return the exact number in JavaScript's notation: `0.00000537`, `3.4e-7` (ECMAScript, Number::toString).

    OpenRouter writes costs like this: with an exponent if six or more zeros follow the decimal point.
    """
    if not dollars:
        return "0"
    shortest = dollars.normalize()
    point = shortest.adjusted() + 1
    if -_MAX_LEADING_ZEROS - 1 < point <= _MAX_INTEGER_DIGITS:
        return format(shortest, "f")
    digits, _, exponent = format(shortest, "e").partition("e")
    return f"{digits}e{int(exponent):+d}"


def number(dollars: Decimal) -> msgspec.Raw:
    """Return the exact JSON number for `dollars`, without conversion to a float."""
    return msgspec.Raw(spelled(dollars).encode())
