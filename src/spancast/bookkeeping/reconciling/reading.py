"""What a row says: counts that may be written as text, dollars that may be null where there were none."""

from collections.abc import Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

from spancast.base import money
from spancast.errors import SpancastError


def dollars(row: Mapping[str, Any], name: str) -> Decimal:
    """Return the dollars; null is none. Raise `SpancastError` where they are absent, or no amount."""
    if name not in row:
        raise SpancastError(f"OpenRouter states no {name}; it has {', '.join(sorted(row))}.")
    value = row[name]
    found = money.stated(number(0 if value in (None, "") else value))
    if found is None:
        raise SpancastError(f"OpenRouter states {name} as {value!r}, which is no amount of dollars.")
    return found


def count(row: Mapping[str, Any], name: str) -> int | None:
    """Return the count; `None` where none can be read."""
    found = number(row.get(name))
    return int(found) if found is not None and found.is_finite() and found == int(found) else None


def number(value: object) -> Decimal | None:
    """Return a number that is written as one, or as text."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        return None
    try:
        return Decimal(value)
    except InvalidOperation:
        return None


def text(row: Mapping[str, Any], name: str) -> str | None:
    """Return the text; `None` where there is none, or it is empty."""
    value = row.get(name)
    return value if isinstance(value, str) and value else None
