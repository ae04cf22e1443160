"""Reads fields of a row: counts that may be text, and dollars that may be null."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from spancast.base import money
from spancast.bookkeeping.numbers import decimal
from spancast.errors import SpancastError


def dollars(row: Mapping[str, Any], name: str) -> Decimal:
    """Return the dollars, 0 for null; raise `SpancastError` where they are absent or not an amount."""
    if name not in row:
        raise SpancastError(f"OpenRouter's answer has no {name}, only {', '.join(sorted(row))}.")
    value = row[name]
    found = money.valid(decimal(0 if value in (None, "") else value))
    if found is None:
        raise SpancastError(f"OpenRouter's answer has the {name} {value!r}, which is not an amount in dollars.")
    return found


def count(row: Mapping[str, Any], name: str) -> int | None:
    """Return the count; `None` where none can be read."""
    found = decimal(row.get(name))
    return int(found) if found is not None and found == int(found) else None


def text(row: Mapping[str, Any], name: str) -> str | None:
    """Return the text; `None` where it is absent or empty."""
    value = row.get(name)
    return value if isinstance(value, str) and value else None
