"""Points in time as people write them: `7d`, `today`, `2026-11-01`, `2026-11-01T09:30Z`. UTC where no zone is given."""

import argparse
import re
from datetime import UTC, datetime, timedelta

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_CURE = "Write 30m, 24h, 7d or 2w (ago), today, yesterday, month, a date such as 2026-11-01, or 2026-11-01T09:30Z"


def moment(text: str) -> datetime:
    """Return the instant that `text` means; raise `argparse.ArgumentTypeError` for one that means none."""
    return _moment(text, datetime.now(UTC))


def _moment(text: str, now: datetime) -> datetime:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    named = {"today": today, "yesterday": today - timedelta(days=1), "month": today.replace(day=1)}
    if text in named:
        return named[text]
    try:
        ago = re.fullmatch(r"([0-9]{1,9})([mhdw])", text)
        return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}) if ago else _iso(text)
    except (ValueError, OverflowError):
        raise argparse.ArgumentTypeError(f"{text!r} is no time. {_CURE}.") from None


def _iso(text: str) -> datetime:
    at = datetime.fromisoformat(text)
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
