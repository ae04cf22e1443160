"""Charts in a line of text: a bar for a share, a sparkline for values over time."""

from collections.abc import Sequence
from decimal import ROUND_CEILING, Decimal

BAR = 8
"""Columns of a whole bar."""
UNKNOWN = "·"
"""An unknown value in a sparkline."""

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"


def bar(share: Decimal | None, width: int = BAR) -> str:
    """Return a bar of `width` columns for a share from 0 to 1; it is empty only if the share is 0 or unknown."""
    if share is None or not share > 0:
        return " " * width
    eighths = max(1, round(min(share, Decimal(1)) * width * 8))
    whole, part = divmod(eighths, 8)
    return ("█" * whole + _EIGHTHS[part] * (part > 0)).ljust(width)


def sparkline(values: Sequence[Decimal | None]) -> str:
    """Return one character per value, scaled to the largest; only zero and less have the lowest one."""
    largest = max((value for value in values if value is not None), default=Decimal())
    return "".join(map(_level, values, [largest] * len(values)))


def _level(value: Decimal | None, largest: Decimal) -> str:
    if value is None:
        return UNKNOWN
    if value <= 0:
        return _LEVELS[0]
    steps = len(_LEVELS) - 1
    return _LEVELS[max(1, int((value / largest * steps).to_integral_value(ROUND_CEILING)))]
