"""The metrics of analytics for a group of generations (OpenRouter skills, analytics schema).

Counts are strings, and dollar amounts are numbers. A component of the dollar amount is null if it is zero.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Literal

import msgspec

from spancast.testing.simulator import bills, money
from spancast.testing.simulator.bills import Bill


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """One metric."""

    label: str
    format: Literal["number", "currency"]
    of: Callable[[Sequence[Bill]], Any]
    """Returns the JSON value."""
    order: Callable[[Sequence[Bill]], Decimal]
    """Returns the value as a number, to sort by."""
    is_long: bool
    """Whether a query may go back 365 days; else 31."""


def _count(label: str, of: Callable[[Bill], int], *, is_long: bool = True) -> Metric:
    def total(group: Sequence[Bill]) -> int:
        return sum(map(of, group))

    return Metric(
        label=label,
        format="number",
        of=lambda group: str(total(group)),
        order=lambda group: Decimal(total(group)),
        is_long=is_long,
    )


def _dollars(label: str, total: Callable[[Sequence[Bill]], Decimal], *, is_long: bool = True) -> Metric:
    return Metric(
        label=label, format="currency", of=lambda group: money.number(total(group)), order=total, is_long=is_long
    )


def _part(label: str, of: Callable[[Bill], Decimal]) -> Metric:
    def total(group: Sequence[Bill]) -> Decimal:
        return sum(map(of, group), Decimal())

    def shown(group: Sequence[Bill]) -> Any:
        return money.number(total(group)) if total(group) else None

    return Metric(label=label, format="currency", of=shown, order=total, is_long=True)


def _all(group: Sequence[Bill]) -> Decimal:
    return bills.total(group) + bills.total_byok(group)


METRICS: Mapping[str, Metric] = {
    "request_count": _count("Request Count", lambda _: 1),
    "tokens_total": _count("Total Tokens", lambda bill: bill.prompt_tokens + bill.completion_tokens),
    "tokens_prompt": _count("Prompt Tokens", lambda bill: bill.prompt_tokens),
    "tokens_completion": _count("Completion Tokens", lambda bill: bill.completion_tokens),
    "reasoning_tokens": _count("Reasoning Tokens", lambda bill: bill.reasoning_tokens),
    "cached_tokens": _count("Cached Tokens", lambda bill: bill.cached_tokens),
    "byok_request_count": _count("BYOK Requests", lambda bill: int(bill.is_byok)),
    "response_cached_count": _count(
        "Cached Responses", lambda bill: int(bill.cache_source_id is not None), is_long=False
    ),
    "total_usage": _dollars("Spend", _all),
    "credits_usage": _dollars("Credits", bills.total),
    "byok_usage": _dollars("BYOK Spend", bills.total_byok),
    "openrouter_usage": _dollars(
        "OpenRouter Spend", lambda group: bills.total(bill for bill in group if not bill.is_byok), is_long=False
    ),
    "byok_fees": _dollars(
        "BYOK Fees", lambda group: bills.total(bill for bill in group if bill.is_byok), is_long=False
    ),
    "usage_upstream": _part("Upstream Cost", lambda bill: bill.upstream_cost),
    "usage_web": _part("Web Search Cost", lambda bill: bill.tool_cost),
}
