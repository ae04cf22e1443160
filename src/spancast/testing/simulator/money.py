"""Dollars as OpenRouter writes them into JSON."""

from decimal import Decimal

import msgspec

_MOST_WHOLE_DIGITS = 21
_MOST_LEADING_ZEROS = 5


def spelled(dollars: Decimal) -> str:
    """Return the exact number in the spelling of JavaScript: `0.00000537`, `3.4e-7` (ECMAScript, Number::toString).

    OpenRouter's costs are spelled so on the wire: an exponent stands where the first digit comes after six zeros.
    """
    if not dollars:
        return "0"
    shortest = dollars.normalize()
    point = shortest.adjusted() + 1
    if -_MOST_LEADING_ZEROS - 1 < point <= _MOST_WHOLE_DIGITS:
        return format(shortest, "f")
    digits, _, exponent = format(shortest, "e").partition("e")
    return f"{digits}e{int(exponent):+d}"


def number(dollars: Decimal) -> msgspec.Raw:
    """Return the exact JSON number for `dollars`, never through a float."""
    return msgspec.Raw(spelled(dollars).encode())
