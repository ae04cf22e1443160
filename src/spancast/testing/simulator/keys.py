"""Usage so far: of the requesting key (`GET /key`), of each key (`GET /keys`), and of all keys (`GET /credits`).

A generation counts towards the UTC period in which it started, even if its client disconnected.
"""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

import msgspec

from spancast.testing.simulator import answer, bills, errors, money, periods
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.served import Served

_LABEL = "sk-or-v1-sim...tor"
_WORKSPACE = "00000000-0000-4000-8000-000000000000"
_PERIODS: dict[str, periods.Start | None] = {
    "": None,
    "_daily": periods.day,
    "_weekly": periods.week,
    "_monthly": periods.month,
}
"""The suffix of a total's name, and the start of its period; `None` for all time."""
_PAGE = 100
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
_KEY_DEFAULTS: dict[str, Any] = {
    "is_free_tier": False,
    "creator_user_id": errors.USER_ID,
    "organization_id": None,
    "workspace_id": None,
    "allowed_data_regions": ["global"],
    "expires_at": None,
}


def current(served: Served, account: Account) -> Answer:
    """Return the requesting key and its usage."""
    spent = _spent(_of(served.key_hash, account), served.at)
    is_management = account.config.management_key_hash == served.key_hash
    kind = {"is_management_key": is_management, "is_provisioning_key": is_management}
    data = {"label": _LABEL} | _NO_LIMIT | _NO_BUDGETS | spent | kind | _KEY_DEFAULTS
    return answer.json(msgspec.json.encode({"data": data}))


def every(served: Served, account: Account) -> Answer:
    """Return a page, from `offset`, of the keys that requests carried, in the order of their first use."""
    offset = served.query.get("offset", "0")
    if not offset.isdecimal():
        raise errors.bad_request(f"Invalid offset: {offset}")
    rows = [_row(key_hash, at, served.at, account) for key_hash, at in _seen(account).items()]
    return answer.json(msgspec.json.encode({"data": rows[int(offset) :][:_PAGE]}))


def one(served: Served, account: Account) -> Answer:
    """Return the key whose hash is in the path; raise `RequestError` (404) if no request carried it."""
    key_hash = served.parts[-1]
    at = _seen(account).get(key_hash)
    if at is None:
        raise errors.not_found("API key not found")
    return answer.json(msgspec.json.encode({"data": _row(key_hash, at, served.at, account)}))


def name(key_hash: str) -> str:
    """Return the name of a key."""
    return f"Simulator {key_hash[:8]}"


def credit(_: Served, account: Account) -> Answer:
    """Return the credits purchased and used."""
    data = {"total_credits": money.number(account.config.credits), "total_usage": money.number(account.usage)}
    return answer.json(msgspec.json.encode({"data": data}))


def _seen(account: Account) -> dict[str, tuple[float, float]]:
    """Return when each API key was first and last used; the configured management key is not an API key."""
    seen: dict[str, list[float]] = defaultdict(list)
    for request in account.served:
        if request.key_hash not in {None, account.config.management_key_hash}:
            seen[request.key_hash or ""].append(request.at)
    return {key_hash: (at[0], at[-1]) for key_hash, at in seen.items()}


def _row(key_hash: str, seen: tuple[float, float], now: float, account: Account) -> dict[str, Any]:
    first, last = (datetime.fromtimestamp(int(at), UTC).isoformat() for at in seen)
    return {
        "hash": key_hash,
        "name": name(key_hash),
        "label": _LABEL,
        "disabled": False,
        "workspace_id": _WORKSPACE,
        "creator_user_id": errors.USER_ID,
        "external_user": None,
        "created_at": first,
        "updated_at": None,
        "last_used_at": last,
        "expires_at": None,
    } | (_NO_LIMIT | _spent(_of(key_hash, account), now))


def _of(key_hash: str | None, account: Account) -> tuple[Bill, ...]:
    return tuple(bill for bill in account.bills if bill.key_hash == key_hash)


def _spent(charged: tuple[Bill, ...], now: float) -> dict[str, Any]:
    spent: dict[str, Any] = {}
    for period, start in _PERIODS.items():
        since = None if start is None else start(periods.at(now))
        of = [bill for bill in charged if since is None or periods.at(bill.created) >= since]
        spent |= {f"usage{period}": money.number(bills.total(of))}
        spent |= {f"byok_usage{period}": money.number(bills.total_byok(of))}
    return spent
