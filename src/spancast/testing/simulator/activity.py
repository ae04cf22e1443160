"""`GET /activity`: usage by day, model and provider in the last 30 completed UTC days (OpenRouter API).

`usage` is the amount charged to the credits, including BYOK fees and after discounts; `byok_usage_inference` is the
amount that providers charged to the user's own keys.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec

from spancast.testing.simulator import answer, bills, errors, money, periods
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.identity import derived
from spancast.testing.simulator.served import Served

_Group = tuple[str, str, str]
_DAYS = 30


def show(served: Served, account: Account) -> Answer:
    """Return a row per group, optionally of one day (`date`) or one key (`api_key_hash`).

    Raise `RequestError` (400) for a day that is not among the 30.
    """
    days = _days(served)
    if served.query.get("date", days[0]) not in days:
        raise errors.bad_request("Date must be within the last 30 (completed) UTC days, in YYYY-MM-DD format")
    groups: dict[_Group, list[Bill]] = defaultdict(list)
    for bill in account.bills:
        if _day(bill) in days and _is_asked_for(bill, served.query):
            groups[_day(bill), bill.model, bill.provider].append(bill)
    return answer.json(msgspec.json.encode({"data": [_row(group, of) for group, of in groups.items()]}))


def _days(served: Served) -> list[str]:
    today = periods.day(periods.at(served.at))
    return [(today - timedelta(days=ago)).date().isoformat() for ago in range(1, _DAYS + 1)]


def _is_asked_for(bill: Bill, query: dict[str, str]) -> bool:
    is_day = query.get("date") in {None, _day(bill)}
    return is_day and query.get("api_key_hash") in {None, bill.key_hash}


def _day(bill: Bill) -> str:
    return periods.at(bill.created).date().isoformat()


def _row(group: _Group, of: Sequence[Bill]) -> dict[str, Any]:
    day, model, provider = group
    return {
        "date": day,
        "model": model,
        "model_permaslug": model,
        "endpoint_id": derived("endpoint_", model, provider),
        "provider_name": provider,
        "requests": len(of),
        "prompt_tokens": sum(bill.prompt_tokens for bill in of),
        "completion_tokens": sum(bill.completion_tokens for bill in of),
        "cached_tokens": sum(bill.cached_tokens for bill in of),
        "reasoning_tokens": sum(bill.reasoning_tokens for bill in of),
        "usage": money.number(bills.total(of)),
        "byok_usage_inference": money.number(bills.total_byok(of)),
    }
