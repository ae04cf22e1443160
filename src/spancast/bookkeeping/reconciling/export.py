"""The CSV that OpenRouter's activity page exports; reading it needs no key.

An export of the logs has one row per generation (`generation_id`, `created_at`, `cost_total`, `byok_usage_inference`,
`model_permaslug`, ...: exports that users published from 2025 to 2026; OpenRouter does not document the format). Any
other file is read as totals by day, with the column names of GET /activity.
"""

import csv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from spancast.bookkeeping.reconciling.amount import Amount
from spancast.bookkeeping.reconciling.billed import Billed
from spancast.bookkeeping.reconciling.days import DayTotals, is_date
from spancast.bookkeeping.reconciling.reading import count, dollars, text
from spancast.errors import ConfigurationError

_DAY = ("date", "day")
_DOLLARS = ("usage", "cost_total", "cost", "spend")
_BYOK = "byok_usage_inference"
_MODEL = ("model_permaslug", "model")
_Line = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Export:
    """The content of a file: single generations, or totals by day."""

    billed: tuple[Billed, ...] = ()
    times: tuple[datetime, ...] = ()
    """When each generation was billed."""
    days: Mapping[str, DayTotals] = field(default_factory=dict)


def read(path: Path) -> Export:
    """Read a file; raise `ConfigurationError` where it is not an export."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.DictReader(file)
            columns = [name.strip().lower() for name in lines.fieldnames or ()]
            lines.fieldnames = columns
            rows = list(lines)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, f"It cannot be read: {error}.") from error
    return _generations(path, rows) if "generation_id" in columns else _days(path, rows, columns)


def _generations(path: Path, rows: Sequence[_Line]) -> Export:
    billed = tuple(_billed(path, row) for row in rows)
    return Export(billed, tuple(_time(path, row) for row in rows))


def _billed(path: Path, row: _Line) -> Billed:
    byok = dollars({_BYOK: row.get(_BYOK)}, _BYOK)
    return Billed(
        generation_id=text(row, "generation_id") or "",
        amount=Amount(_dollars(path, row), byok),
        is_byok=bool(byok),
        model=_first(row, _MODEL),
        provider=text(row, "provider_name"),
        app=text(row, "app_name"),
        key=text(row, "api_key_name"),
        user=None,  # the column `user` names the account's member, not the end user
        input_tokens=count(row, "tokens_prompt"),
        output_tokens=count(row, "tokens_completion"),
        cached_tokens=count(row, "tokens_cached"),
        reasoning_tokens=count(row, "tokens_reasoning"),
        day=_time(path, row).date().isoformat(),
    )


def _days(path: Path, rows: Sequence[_Line], columns: Sequence[str]) -> Export:
    if not (set(_DAY) & set(columns) and set(_DOLLARS) & set(columns)):
        raise _unreadable(
            path, f"It has the columns {', '.join(columns) or '(none)'}, but needs generation_id, or date and usage."
        )
    totals: defaultdict[str, DayTotals] = defaultdict(DayTotals)
    for row in rows:
        day = (_first(row, _DAY) or "")[:10]
        if not is_date(day):
            raise _unreadable(path, f"Its date {_first(row, _DAY)!r} is not a day such as 2026-11-01.")
        group = (_first(row, _MODEL), text(row, "provider_name"))
        amount = Amount(_dollars(path, row), dollars({_BYOK: row.get(_BYOK)}, _BYOK))
        totals[day].add(count(row, "requests") or 0, group, amount)
    return Export(days=dict(totals))


def _dollars(path: Path, row: _Line) -> Decimal:
    name = next((each for each in _DOLLARS if each in row), None)
    if name is None:
        raise _unreadable(path, "It has no column cost_total or usage.")
    return dollars({name: (row[name] or "").replace("$", "").replace(",", "")}, name)


def _time(path: Path, row: _Line) -> datetime:
    written = text(row, "created_at") or ""
    try:
        at = datetime.fromisoformat(written)
    except ValueError:
        raise _unreadable(path, f"Its created_at {written!r} is not a time such as 2026-11-01T10:30:00Z.") from None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _first(row: _Line, names: Sequence[str]) -> str | None:
    return next((found for name in names if (found := text(row, name))), None)


def _unreadable(path: Path, why: str) -> ConfigurationError:
    return ConfigurationError.of("activity-csv", str(path), f"{why} Export it from openrouter.ai/activity as CSV.")
