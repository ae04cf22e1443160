"""`GET /api/v1/key` and `GET /api/v1/credits`: what was used so far. All keys share one account."""

from decimal import Decimal
from typing import Any

import msgspec

from spancast.testing.simulator import answer, errors, money
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.served import Served

_LABEL = "sk-or-v1-sim...tor"
_PERIODS = ("", "_daily", "_weekly", "_monthly")
"""A simulator does not live long enough for them to differ."""
_NO_LIMITS: dict[str, Any] = {
    "limit": None,
    "limit_remaining": None,
    "limit_reset": None,
    "include_byok_in_limit": False,
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


def current(_: Served, account: Account) -> Answer:
    """Answer with the key and its usage."""
    spent = _usage("usage", account.usage) | _usage("byok_usage", account.byok_usage)
    return answer.json(msgspec.json.encode({"data": {"label": _LABEL} | _NO_LIMITS | spent | _STANDING}))


def credit(_: Served, account: Account) -> Answer:
    """Answer with the credits bought and used."""
    data = {"total_credits": money.number(account.terms.credits), "total_usage": money.number(account.usage)}
    return answer.json(msgspec.json.encode({"data": data}))


def _usage(name: str, dollars: Decimal) -> dict[str, Any]:
    return {name + period: money.number(dollars) for period in _PERIODS}
