"""What was used so far: `GET /key` of the key that asks, `GET /keys` of every key, `GET /credits` of all together."""

from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec

from spancast.testing.simulator import answer, bills, errors, money
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.served import Served

_LABEL = "sk-or-v1-sim...tor"
_WORKSPACE = "00000000-0000-4000-8000-000000000000"
_PERIODS = ("", "_daily", "_weekly", "_monthly")
"""A simulator does not live long enough for them to differ."""
_NO_LIMIT: dict[str, Any] = {
    "limit": None,
    "limit_remaining": None,
    "limit_reset": None,
    "include_byok_in_limit": False,
}
_NO_BUDGETS: dict[str, Any] = {
    "budgets": [],
    "effective_budget": None,
    "free_model_daily_requests": {"limit": 1000, "used": 0, "remaining": 1000},
    "rate_limit": {"requests": -1, "interval": "10s", "note": "This field is deprecated and safe to ignore."},
}
_STANDING: dict[str, Any] = {
    "is_free_tier": False,
    "is_management_key": False,
    "is_provisioning_key": False,
    "creator_user_id": errors.USER_ID,
    "organization_id": None,
    "workspace_id": None,
    "allowed_data_regions": ["global"],
    "expires_at": None,
}


def current(served: Served, account: Account) -> Answer:
    """Answer with the key and its usage."""
    spent = _spent(_of(served.key_hash, account))
    return answer.json(msgspec.json.encode({"data": {"label": _LABEL} | _NO_LIMIT | _NO_BUDGETS | spent | _STANDING}))


def every(_: Served, account: Account) -> Answer:
    """Answer with the keys that requests have carried, in the order in which they first came."""
    seen: dict[str, list[float]] = defaultdict(list)
    for request in account.served:
        if request.key_hash is not None:
            seen[request.key_hash].append(request.at)
    rows = [_row(key_hash, (at[0], at[-1]), account) for key_hash, at in seen.items()]
    return answer.json(msgspec.json.encode({"data": rows}))


def credit(_: Served, account: Account) -> Answer:
    """Answer with the credits bought and used."""
    data = {"total_credits": money.number(account.terms.credits), "total_usage": money.number(account.usage)}
    return answer.json(msgspec.json.encode({"data": data}))


def _row(key_hash: str, seen: tuple[float, float], account: Account) -> dict[str, Any]:
    first, last = (datetime.fromtimestamp(int(at), UTC).isoformat() for at in seen)
    return {
        "hash": key_hash,
        "name": f"Simulator {key_hash[:8]}",
        "label": _LABEL,
        "disabled": False,
        "workspace_id": _WORKSPACE,
        "creator_user_id": errors.USER_ID,
        "external_user": None,
        "created_at": first,
        "updated_at": None,
        "last_used_at": last,
        "expires_at": None,
    } | (_NO_LIMIT | _spent(_of(key_hash, account)))


def _of(key_hash: str | None, account: Account) -> tuple[Bill, ...]:
    return tuple(bill for bill in account.bills if bill.key_hash == key_hash)


def _spent(charged: tuple[Bill, ...]) -> dict[str, Any]:
    return _usage("usage", bills.total(charged)) | _usage("byok_usage", bills.total_byok(charged))


def _usage(name: str, dollars: Decimal) -> dict[str, Any]:
    return {name + period: money.number(dollars) for period in _PERIODS}
