"""A reconciliation as one JSON object, with every call and every digit."""

import json
from decimal import Decimal

from spancast.base.money import plain
from spancast.bookkeeping.reconciling.amount import Amount, known, together
from spancast.bookkeeping.reconciling.comparison import Different, Matched, OursOnly, TheirsOnly
from spancast.bookkeeping.reconciling.reconciliation import Day, Reconciliation
from spancast.cli.output.instants import at, written

_ZERO = Decimal(0)


def one_object(result: Reconciliation) -> str:
    """Return the result as one JSON object: money in decimal strings, `byok` apart from the credits."""
    calls = result.calls
    found = {
        "source": result.source,
        "since": written(result.since),
        "until": written(result.until),
        "explained": result.is_explained,
        "matched": [_matched(each) for each in calls.matched],
        "different": [_different(each) for each in calls.different],
        "ours_only": [_ours(each) for each in calls.ours_only],
        "theirs_only": [_theirs(each) for each in calls.theirs_only],
        "days": [_day(day) for day in result.days],
        "totals": {
            "matched": result.matched,
            "different": len(calls.different),
            "ours_only": len(calls.ours_only),
            "theirs_only": len(calls.theirs_only),
            "filled": result.filled,
            **_money("billed", result.billed),
            **_money("ledger", result.ledger),
            **_money("adjusted", result.adjusted),
            **_money("remainder", result.remainder),
        },
    }
    return json.dumps(found)


def _matched(each: Matched) -> dict[str, object]:
    return {
        "generation_id": each.billed.generation_id,
        "call_id": each.call_id,
        **_money("cost", each.billed.amount),
    }


def _different(each: Different) -> dict[str, object]:
    row, billed = each.calls[0], each.billed
    is_unknown = any(call.cost is None for call in each.calls)
    booked = (
        {"cost_usd": None, "cost_byok_usd": None} if is_unknown else _money("cost", together(map(known, each.calls)))
    )
    return {
        "generation_id": billed.generation_id,
        "call_id": row.call_id,
        "call_ids": [call.call_id for call in each.calls],
        "started_at": written(at(row.started_at)),
        "model": billed.model or row.response_model or row.request_model,
        "provider": billed.provider or row.provider,
        "user": row.user,
        "outcome": row.outcome,
        **booked,
        **_money("billed", billed.amount),
        **_money("adjusted", each.adjusted),
        **_money("remainder", each.delta),
        "why": each.reason,
        "explained": each.is_explained,
    }


def _ours(each: OursOnly) -> dict[str, object]:
    row = each.call
    booked = {"cost_usd": None, "cost_byok_usd": None} if row.cost is None else _money("cost", known(row))
    return {
        "call_id": row.call_id,
        "generation_id": row.generation_id,
        "started_at": written(at(row.started_at)),
        "model": row.response_model or row.request_model,
        "provider": row.provider,
        "user": row.user,
        "outcome": row.outcome,
        "error_type": row.error_type,
        "key_hash": row.key_hash,
        "server_address": row.server_address,
        **booked,
        **_money("adjusted", each.adjusted),
        "why": each.why,
        "explained": each.is_explained,
    }


def _theirs(each: TheirsOnly) -> dict[str, object]:
    billed = each.billed
    return {
        "generation_id": billed.generation_id,
        "began_at": None if billed.at is None else written(billed.at),
        "model": billed.model,
        "provider": billed.provider,
        "app": billed.app,
        "key": billed.key,
        "user": billed.user,
        "input_tokens": billed.input_tokens,
        "output_tokens": billed.output_tokens,
        **_money("cost", billed.amount),
        **_money("adjusted", each.adjusted),
        **_money("remainder", each.delta),
        "explained": each.is_explained,
    }


def _day(day: Day) -> dict[str, object]:
    return {
        "name": day.name,
        "calls": day.calls,
        **_money("booked", day.booked),
        **_money("billed", day.billed),
        "examined": day.examined,
        "explained": day.is_explained,
    }


def _money(name: str, amount: Amount) -> dict[str, object]:
    return {f"{name}_usd": plain(amount.credits or _ZERO), f"{name}_byok_usd": plain(amount.byok or _ZERO)}
