"""A call for scripts: exact values, null for unknown. Keys are only ever added."""

import json
from collections.abc import Mapping
from decimal import Decimal

from spancast.base.money import plain
from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.answers.calls import CallRow
from spancast.bookkeeping.entry import MORE
from spancast.cli.output.instants import at, written


def line(row: CallRow) -> str:
    """Return a call as a line of JSON."""
    return json.dumps(members(row))


def members(row: CallRow) -> dict[str, object]:
    """Return the members of the object."""
    return {
        "call_id": row.call_id,
        "generation_id": row.generation_id,
        "response_id": row.response_id,
        "operation": row.operation,
        "request_model": row.request_model,
        "request_models": row.request_models,
        "response_model": row.response_model,
        "provider": row.provider,
        "server_address": row.server_address,
        "finish_reason": row.finish_reason,
        "native_finish_reason": row.native_finish_reason,
        "outcome": row.outcome,
        "http_status": row.http_status,
        "error_type": row.error_type,
        "error_message": row.error_message,
        "streamed": row.streamed,
        "input_tokens": row.input_tokens,
        "output_tokens": row.output_tokens,
        "cached_tokens": row.cached_tokens,
        "cache_write_tokens": row.cache_write_tokens,
        "reasoning_tokens": row.reasoning_tokens,
        "cost_usd": _amount(row.cost),
        "upstream_cost_usd": _amount(row.upstream_cost),
        "cost_source": row.cost_source,
        "spent_usd": _amount(row.spent),
        "is_byok": row.is_byok,
        "user": row.user,
        "session": row.session,
        "tags": row.tags,
        "app": row.app,
        "started_at": written(at(row.started_at)),
        "duration_s": _seconds(row.duration),
        "time_to_first_token_s": _seconds(row.time_to_first_token),
        "trace_id": row.trace_id,
        "span_id": row.span_id,
        "key_hash": row.key_hash,
        **{_MORE.get(name, name): row.more.get(name) for name in MORE},
    }


def more(row: CallRow) -> Mapping[str, object]:
    """Return what few calls state, as far as this one does, by the names of the members."""
    return {_MORE.get(name, name): value for name, value in row.more.items()}


_MORE = {
    "upstream_input_cost": "upstream_input_cost_usd",
    "upstream_output_cost": "upstream_output_cost_usd",
    "server_tool_cost": "server_tool_cost_usd",
    "retry_after": "retry_after_s",
    "audio_seconds": "audio_s",
}
"""JSON keys that add a unit to the field's name."""


def _amount(cost: Decimal | None) -> str | None:
    return None if cost is None else plain(cost)


def _seconds(nanoseconds: int | None) -> float | None:
    return None if nanoseconds is None else nanoseconds / NS_PER_SECOND
