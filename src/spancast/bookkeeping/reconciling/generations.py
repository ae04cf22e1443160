"""The generations of a stretch of time, by their ids: POST /analytics/query.

An answer has at most 10,000 rows, and a minute 64 questions. So a day is asked for at once; where that leaves something
out, the time is halved, and from a minute on asked for key by key, until every answer is whole. A question has two
dimensions, so that what else is wanted of a generation is asked apart.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from spancast.bookkeeping.reconciling.account import Account, Page, Row
from spancast.bookkeeping.reconciling.amount import Amount
from spancast.bookkeeping.reconciling.billed import Billed
from spancast.bookkeeping.reconciling.reading import count, dollars, text
from spancast.bookkeeping.reconciling.span import Span
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
_MORE = {"provider": "provider", "app": "app", "api_key_id": "key", "external_user": "user"}
"""Further dimensions, and the fields of a Billed that they are."""
_MINUTE = timedelta(minutes=1)

Keys = Sequence[str] | None
"""The hashes of the keys that are meant; `None`: every key."""
Ask = Callable[[Span, Keys], Page]


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of time and keys of which one answer tells everything."""

    span: Span
    keys: Keys
    billed: tuple[Billed, ...]


def windows(account: Account, span: Span, keys: Keys) -> Iterator[Window]:
    """Yield what was billed in a stretch of time, day by day."""

    def ask(span: Span, keys: Keys) -> Page:
        return account.analytics(span, keys, (_ID, "model"), _METRICS)

    for day in span.days():
        for narrow, of, rows in whole(ask, day, keys):
            yield Window(narrow, of, tuple(_billed(row, day.day) for row in rows if text(row, _ID)))


def whole(ask: Ask, span: Span, keys: Keys) -> Iterator[tuple[Span, Keys, Sequence[Row]]]:
    """Yield answers that leave nothing out; raise `SpancastError` where OpenRouter does not give any."""
    page = ask(span, keys)
    if not page.truncated:
        yield span, keys, page.rows
        return
    for narrow, of in _narrower(span, keys):
        yield from whole(ask, narrow, of)


def detailed(account: Account, window: Window) -> Window:
    """Return the window with provider, application, key and user of everything in it."""
    found = {each.generation_id: each for each in window.billed}
    for dimension, field in _MORE.items():
        page = account.analytics(window.span, window.keys, (_ID, dimension), ("request_count",))
        for row in page.rows:
            name = text(row, _ID) or ""
            if name in found:
                found[name] = replace(found[name], **{field: text(row, dimension)})  # type: ignore[arg-type]  # all texts
    return Window(window.span, window.keys, tuple(found.values()))


def _narrower(span: Span, keys: Keys) -> list[tuple[Span, Keys]]:
    if span.end - span.start <= _MINUTE and keys is not None and len(keys) > 1:
        return [(span, [key]) for key in keys]
    halves = span.halves()
    if halves == [span]:
        raise SpancastError(f"OpenRouter does not list all generations of {span.start:%Y-%m-%d %H:%M:%S}.")
    return [(half, keys) for half in halves]


def _billed(row: Row, day: str) -> Billed:
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
