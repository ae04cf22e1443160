"""What HTTP says of header fields: how they are named, and how one tells a client to wait."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
"""The name of a header (RFC 9110 §5.6.2), and the key of an entry (W3C Baggage)."""

_LONGEST = 64
"""Characters; no date has more, and no number that means anything."""


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait; `None` where it does not say, or what cannot be read.

    Both forms are known, seconds and a date (RFC 9110 §10.2.3). A date is read by the clock that wrote it, which is the
    answer's own `date`, or by ours where it has none; one that is past already asks for nothing.
    """
    text = (headers.get("retry-after") or "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:_LONGEST])
    until = moment(text) if 0 < len(text) <= _LONGEST else None
    if until is None:
        return None
    now = moment(headers.get("date") or "") or datetime.now(UTC)
    return max(0.0, (until - now).total_seconds())


def moment(text: str) -> datetime | None:
    """Return the instant of a date (RFC 9110 §5.6.7); `None` for what is none."""
    from email.utils import parsedate_to_datetime  # noqa: PLC0415 - most programs never read one

    try:
        at = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)  # the obsolete form means UTC, too (RFC 9110 §5.6.7)
