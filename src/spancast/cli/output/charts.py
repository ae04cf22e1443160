"""Numbers as pictures in a line of text: a bar for a share, a sparkline for what changes with time."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

BAR = 8
"""Columns of a whole bar."""
UNKNOWN = "·"
"""What stands in a sparkline for a value that nobody knows."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def bar(share: Decimal | None, width: int = BAR) -> str:
    """Return a bar of `width` columns for a part of one: an empty one for what is none, and a thin one for a little."""
    if share is None or not share > 0:
        return " " * width
    eighths = max(1, round(min(share, Decimal(1)) * width * 8))
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[part] * (part > 0)).ljust(width)


def sparkline(values: Sequence[Decimal | None]) -> str:
    """Return a character a value, from nothing to the largest. Only what is zero, or less, is as low as can be."""
    largest = max((value for value in values if value is not None), default=Decimal())
    return "".join(map(_level, values, [largest] * len(values)))


def _level(value: Decimal | None, largest: Decimal) -> str:
    if value is None:
        return UNKNOWN
    if value <= 0:
        return _LEVELS[0]
    steps = len(_LEVELS) - 1
    return _LEVELS[max(1, int((value / largest * steps).to_integral_value(ROUND_CEILING)))]
