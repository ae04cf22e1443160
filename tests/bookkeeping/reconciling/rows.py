"""Calls as the ledger reads them, and bills, made by hand."""

from decimal import Decimal
from itertools import count

from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.reconciling.amount import Amount
from spancast.bookkeeping.reconciling.billed import Billed

AT = 1_795_694_400
"""A moment in Unix seconds: 2026-11-26T12:00:00Z."""
_numbers = count(1)
_SURE: dict[str, object] = {
    "operation": "chat",
    "request_models": (),
    "outcome": "completed",
    "streamed": False,
    "tags": {},
    "more": {},
    "started_at": AT * 10**9,
    "key_hash": "own",
    "server_address": "openrouter.ai",
    "cost_source": "response",
    "http_status": 200,
    "is_byok": False,
}


def row(cost: str | None = "0.001", **known: object) -> CallRow:
    """Return a completed call of a second ago or so, unlike any other."""
    number = next(_numbers)
    given = dict.fromkeys(CallRow.__struct_fields__, None) | _SURE
    given |= {"call_id": f"call-{number}", "generation_id": f"gen-{AT}-{number}"}
    return CallRow(**(given | {"cost": None if cost is None else Decimal(cost)} | known))  # type: ignore[arg-type]


def bill(generation_id: str | None, cost: str = "0.001", byok: str | None = None, **known: object) -> Billed:
    """Return what a generation was billed."""
    amount = Amount(Decimal(cost), Decimal(byok or 0))
    return Billed(generation_id=generation_id or "", amount=amount, is_byok=byok is not None, **known)  # type: ignore[arg-type]


def amount(cost: str, byok: str = "0") -> Amount:
    """Return an amount."""
    return Amount(Decimal(cost), Decimal(byok))
