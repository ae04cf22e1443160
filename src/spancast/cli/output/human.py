"""Numbers as people read them in a table. JSON and CSV have them exact."""

from datetime import UTC, date, datetime
from decimal import Decimal

UNKNOWN = "-"

_SECOND = 10**9
_MINUTE = 60 * _SECOND
_SIGNIFICANT = 3


def dollars(amount: Decimal | None) -> str:
    """Return the amount to the digits that matter: two decimals from $100 on, else four, and never a zero that is none.

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
    """Return the number with thousands apart."""
    return UNKNOWN if number is None else f"{number:,}"


def percent(part: Decimal | None) -> str:
    """Return a part of one in percent, to a decimal: never 0.0% for what is something, nor 100.0% for less than all."""
    if part is None:
        return UNKNOWN
    if 0 < part <= _LITTLE:
        return "<0.1%"
    return ">99.9%" if 1 - _LITTLE <= part < 1 else f"{part * 100:,.1f}%"


_LITTLE = Decimal("0.0005")


def span(nanoseconds: int | None) -> str:
    """Return a length of time: 312 ms, 4.1 s, 2m 05s."""
    if nanoseconds is None:
        return UNKNOWN
    if nanoseconds < _SECOND:
        return f"{nanoseconds / 1e6:.0f} ms"
    if nanoseconds < _MINUTE:
        return f"{nanoseconds / _SECOND:.1f} s"
    minutes, rest = divmod(nanoseconds, _MINUTE)
    return f"{minutes}m {rest // _SECOND:02d}s"


def time(nanoseconds: int) -> str:
    """Return an instant in UTC, to the second."""
    return datetime.fromtimestamp(nanoseconds // _SECOND, UTC).strftime("%Y-%m-%d %H:%M:%S")


def text(value: str | None) -> str:
    """Return the text, or the sign of what is unknown."""
    return UNKNOWN if value is None else value


def calls(number: int) -> str:
    """Return the number of calls in words."""
    return "1 call" if number == 1 else f"{number:,} calls"


def cost(amount: Decimal | None) -> str:
    """Return the dollars of a sentence, in which the sign of what is unknown would be none of its words."""
    return "cost unknown" if amount is None else dollars(amount)


def refused(number: int) -> str:
    """Return what there is to say of calls that OpenRouter refused."""
    return f"{calls(number)} refused (HTTP 4xx), of which OpenRouter states no cost."


def adjusted(number: int, amount: Decimal, where: str) -> str:
    """Return what there is to say of adjustments, and where they are."""
    return f"{number:,} {'adjustment' if number == 1 else 'adjustments'} by reconcile, {dollars(amount)}, {where}."


def pruned(since: date) -> str:
    """Return what there is to say of an answer that single calls are missing from."""
    return f"Single calls are kept from {since} on: of those before, this has none."
