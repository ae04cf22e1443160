"""Numbers, times and phrases for people. JSON and CSV have exact values."""

from datetime import UTC, date, datetime
from decimal import Decimal

from spancast.base.units import NS_PER_SECOND

UNKNOWN = "-"

_MINUTE = 60 * NS_PER_SECOND
_SIGNIFICANT = 3


def dollars(amount: Decimal | None) -> str:
    """Return the amount with two decimals from $100 on, else with four; a non-zero amount is never shown as zero.

    Below ten cents it has up to three significant digits.
    """
    if amount is None:
        return UNKNOWN
    places = 2 if abs(amount) >= 100 else 4  # noqa: PLR2004 - as the docstring says
    if amount and abs(amount) < Decimal("0.1"):
        places = max(places, _SIGNIFICANT - 1 - amount.adjusted())
    shown = f"${amount:,.{places}f}"
    return shown[: len(shown) - places + 4] + shown[len(shown) - places + 4 :].rstrip("0")


def count(number: int | None) -> str:
    """Return the number with thousands separators."""
    return UNKNOWN if number is None else f"{number:,}"


def percent(part: Decimal | None) -> str:
    """Return a share in percent, to a decimal: never 0.0% for more than nothing, nor 100.0% for less than all."""
    if part is None:
        return UNKNOWN
    if 0 < part <= _ROUNDED_AWAY:
        return "<0.1%"
    return ">99.9%" if 1 - _ROUNDED_AWAY <= part < 1 else f"{part * 100:,.1f}%"


_ROUNDED_AWAY = Decimal("0.0005")


def span(nanoseconds: int | None) -> str:
    """Return a duration: 312 ms, 4.1 s, 2m 05s."""
    if nanoseconds is None:
        return UNKNOWN
    if nanoseconds < NS_PER_SECOND:
        return f"{nanoseconds / 1e6:.0f} ms"
    if nanoseconds < _MINUTE:
        return f"{nanoseconds / NS_PER_SECOND:.1f} s"
    minutes, rest = divmod(nanoseconds, _MINUTE)
    return f"{minutes}m {rest // NS_PER_SECOND:02d}s"


def time(nanoseconds: int) -> str:
    """Return an instant in UTC, to the second."""
    return datetime.fromtimestamp(nanoseconds // NS_PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def text(value: str | None) -> str:
    """Return the text, or the sign for unknown."""
    return UNKNOWN if value is None else value


def calls(number: int) -> str:
    """Return the number of calls in words."""
    return "1 call" if number == 1 else f"{number:,} calls"


def cost(amount: Decimal | None) -> str:
    """Return the dollars for a sentence, in which the sign for unknown would be out of place."""
    return "cost unknown" if amount is None else dollars(amount)


def refused(number: int) -> str:
    """Return the note on calls that OpenRouter refused."""
    return f"{calls(number)} refused (HTTP 4xx), for which OpenRouter states no cost."


def adjusted(number: int, amount: Decimal, where: str) -> str:
    """Return the note on adjustments; `where` says whether they are included."""
    return f"{number:,} {'adjustment' if number == 1 else 'adjustments'} by reconcile, {dollars(amount)}, {where}."


def pruned(since: date) -> str:
    """Return the note on a report that lacks pruned calls."""
    return f"Calls before {since} were pruned and are missing here."
