"""Points in time as people write them: `7d`, `today`, `2026-11-01`, `2026-11-01T09:30Z`. UTC unless a zone is given."""

import re
from datetime import UTC, date, datetime, time, timedelta

SYNTAX = "Write 30m, 24h, 7d or 2w (ago), today, yesterday, month, a date such as 2026-11-01, or 2026-11-01T09:30Z."
"""What `parse` accepts, for error messages."""

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse(text: str, now: datetime | None = None) -> datetime | None:
    """Return the instant that `text` means, relative to `now`; `None` if it cannot be parsed."""
    now = now or datetime.now(UTC)
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"today": today, "yesterday": today - timedelta(days=1), "month": today.replace(day=1)}
    if text in named:
        return named[text]
    try:
        ago = re.fullmatch(r"([0-9]{1,9})([mhdw])", text)
        return (
            now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
            if ago
            else zoned(datetime.fromisoformat(text)).astimezone(UTC)
        )
    except (ValueError, OverflowError):
        return None


def zoned(at: date) -> datetime:
    """Return an instant with a time zone, UTC unless it has one; a date means the start of its day."""
    if not isinstance(at, datetime):
        at = datetime.combine(at, time())
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at
