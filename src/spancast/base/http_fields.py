"""HTTP header fields: the syntax of their names, and `Retry-After`."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110 §5.6.2), and the key of an entry (W3C Baggage)."""

_MAX_CHARS = 64
"""Of a date or a number of seconds; no meaningful one is longer."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks the client to wait; `None` without a `retry-after` that can be parsed.

    Both forms are supported, seconds and a date (RFC 9110 §10.2.3). A date is compared with the server's clock, which
    is the response's own `date`, or with ours if it has none; a date in the past means no wait.
    """
    text = (headers.get("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:_MAX_CHARS])
    until = parse_date(text) if 0 < len(text) <= _MAX_CHARS else None
    if until is None:
        return None
    now = parse_date(headers.get("date") or "") or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def parse_date(text: str) -> datetime | None:
    """Return the instant of an HTTP date (RFC 9110 §5.6.7); `None` if it cannot be parsed."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - most programs never read one

    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # the obsolete form is in UTC, too (RFC 9110 §5.6.7)
