"""`GET /api/v1/generation?id=`: the metadata of a finished generation."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from spancast.testing.simulator import answer, dimensions, errors, identity, money, search
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.bills import Bill
from spancast.testing.simulator.served import Served

_UNCACHED = {"Cache-Control": "private, no-store"}
_LATENCY_MS = 200
_TOKEN_MS = 10


def look_up(served: Served, account: Account) -> Answer:
    """Return the generation; raise `RequestError` (404) while it is not available."""
    generation_id = served.query.get("id", "")
    bill = account.look_up(generation_id, served.at)
    if bill is None:
        raise errors.no_generation(generation_id)
    return answer.json(msgspec.json.encode({"data": _data(bill)}), headers=_UNCACHED)


def _data(bill: Bill) -> dict[str, Any]:
    return _identity(bill) | _timing(bill) | _tokens(bill) | _dollars(bill) | _absent()


def _identity(bill: Bill) -> dict[str, Any]:
    return {
        "id": bill.generation_id,
        "request_id": identity.request_id(bill.generation_id, bill.created),
        "app_id": dimensions.app_id(bill),
        "upstream_id": identity.derived("chatcmpl-", bill.generation_id),
        "created_at": datetime.fromtimestamp(bill.created, UTC).isoformat(timespec="microseconds"),
        "model": bill.model,
        "router": bill.router,
        "provider_name": bill.provider,
        "external_user": bill.user,
        "session_id": bill.session_id,
        "origin": bill.origin,
        "http_referer": bill.origin or None,
        "user_agent": bill.user_agent,
        "api_type": bill.api_type,
        "data_region": "global",
        "streamed": bill.streamed,
        "cancelled": bill.cancelled,
        "finish_reason": bill.finish_reason,
        "native_finish_reason": bill.native_finish_reason,
        "service_tier": bill.service_tier,
        "response_cache_source_id": bill.cache_source_id,
    }


def _timing(bill: Bill) -> dict[str, Any]:
    generation_time = _TOKEN_MS * bill.completion_tokens
    return {"latency": _LATENCY_MS, "generation_time": generation_time, "moderation_latency": None}


def _tokens(bill: Bill) -> dict[str, Any]:
    return {
        "tokens_prompt": bill.prompt_tokens,
        "tokens_completion": bill.completion_tokens,
        "native_tokens_prompt": bill.prompt_tokens,
        "native_tokens_completion": bill.completion_tokens,
        "native_tokens_completion_images": bill.image_tokens or None,
        "native_tokens_reasoning": bill.reasoning_tokens,
        "native_tokens_cached": bill.cached_tokens,
        "num_search_results": bill.search_results or None,
        "web_search_engine": search.ENGINE if bill.search_results else None,
    }


def _dollars(bill: Bill) -> dict[str, Any]:
    upstream = money.number(bill.upstream_cost) if bill.is_byok else 0
    return {
        "usage": money.number(bill.cost),
        "total_cost": money.number(bill.cost),
        "upstream_inference_cost": upstream,
        "is_byok": bill.is_byok,
        "cache_discount": None,
    }


def _absent() -> dict[str, None]:
    """Return the fields that are null for every simulated generation."""
    names = (
        "num_fetches",
        "num_input_audio_prompt",
        "num_media_completion",
        "num_media_prompt",
        "preset_id",
        "provider_responses",
        "workspace_id",
    )
    return dict.fromkeys(names)
