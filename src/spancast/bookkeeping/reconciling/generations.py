"""The generations of a period, by id: POST /analytics/query.

An answer has at most 10,000 rows, and 64 requests a minute are allowed. So whole days are queried first; where an
answer is truncated, the period is halved, and periods of a minute are split by key, until every answer is complete. A
query has two dimensions, so further fields of a generation take further queries.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from spancast.bookkeeping.reconciling.account import OpenRouterAccount, Page, Row
from spancast.bookkeeping.reconciling.amount import Amount
from spancast.bookkeeping.reconciling.billed import Billed
from spancast.bookkeeping.reconciling.period import Period
from spancast.bookkeeping.reconciling.reading import count, dollars, text
from spancast.errors import SpancastError

_ID = "generation_id"
_METRICS = (
    "credits_usage",
    "byok_usage",
    "byok_request_count",
    "tokens_prompt",
    "tokens_completion",
    "cached_tokens",
    "reasoning_tokens",
)
_FURTHER_DIMENSIONS = {"provider": "provider", "app": "app", "api_key_id": "key", "external_user": "user"}
"""Further dimensions, and the fields of `Billed` that they fill."""
MAX_QUERY_SPAN = timedelta(days=31)
"""The longest period of a query by generation (OpenRouter's analytics skill)."""
_MINUTE = timedelta(minutes=1)

Keys = Sequence[str] | None
"""Hashes of keys; `None` for all keys."""
Query = Callable[[Period, Keys], Page]


@dataclass(frozen=True, slots=True)
class Window:
    """A period and keys whose generations one answer lists completely."""

    period: Period
    keys: Keys
    billed: tuple[Billed, ...]


def windows(account: OpenRouterAccount, period: Period, keys: Keys) -> Iterator[Window]:
    """Yield what was billed in a period."""

    def query(period: Period, keys: Keys) -> Page:
        return account.analytics(period, keys, (_ID, "model"), _METRICS)

    for narrow, of, rows in complete(query, period, keys):
        day = narrow.day if len([*narrow.days()]) == 1 else None
        yield Window(narrow, of, tuple(_billed(row, day) for row in rows if text(row, _ID)))


def complete(query: Query, period: Period, keys: Keys) -> Iterator[tuple[Period, Keys, Sequence[Row]]]:
    """Yield complete answers that cover the period; raise `SpancastError` where even the shortest one is truncated."""
    page = query(period, keys)
    if not page.truncated:
        yield period, keys, page.rows
        return
    for narrow, of in _narrower(period, keys):
        yield from complete(query, narrow, of)


def detailed(account: OpenRouterAccount, window: Window) -> Window:
    """Return the window with the provider, application, key and user of each generation."""
    found = {each.generation_id: each for each in window.billed}
    for dimension, field in _FURTHER_DIMENSIONS.items():
        page = account.analytics(window.period, window.keys, (_ID, dimension), ("request_count",))
        for row in page.rows:
            name = text(row, _ID) or ""
            if name in found:
                found[name] = replace(found[name], **{field: text(row, dimension)})  # type: ignore[arg-type]  # all texts
    return Window(window.period, window.keys, tuple(found.values()))


def _narrower(period: Period, keys: Keys) -> list[tuple[Period, Keys]]:
    if period.end - period.start <= _MINUTE and keys is not None and len(keys) > 1:
        return [(period, [key]) for key in keys]
    halves = period.halves()
    if halves == [period]:
        raise SpancastError(f"OpenRouter's list of the generations of {period.start:%Y-%m-%d %H:%M:%S} is truncated.")
    return [(half, keys) for half in halves]


def _billed(row: Row, day: str | None) -> Billed:
    return Billed(
        generation_id=text(row, _ID) or "",
        amount=Amount(dollars(row, "credits_usage"), dollars(row, "byok_usage")),
        is_byok=bool(count(row, "byok_request_count")),
        model=text(row, "model"),
        input_tokens=count(row, "tokens_prompt"),
        output_tokens=count(row, "tokens_completion"),
        cached_tokens=count(row, "cached_tokens"),
        reasoning_tokens=count(row, "reasoning_tokens"),
        day=day,
    )
