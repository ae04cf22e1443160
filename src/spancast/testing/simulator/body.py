"""What a chat answer states, whole or streamed: the parts that both forms share, in the order of the wire."""

import hashlib
from typing import Any

from spancast.testing.simulator import money
from spancast.testing.simulator.generation import Failure, Generation
from spancast.testing.simulator.usage import Usage


def head(generation: Generation, kind: str) -> dict[str, Any]:
    """Return the fields with which a body or a chunk begins."""
    return {
        "id": generation.id,
        "object": kind,
        "created": generation.created,
        "model": generation.model.slug,
        "provider": generation.model.provider,
    }


def fingerprint(generation: Generation) -> str | None:
    """Return `system_fingerprint`, which OpenAI states and others do not."""
    if generation.model.provider != "OpenAI":
        return None
    return f"fp_{hashlib.sha256(generation.model.slug.encode()).hexdigest()[:10]}"


def reasoning_details(generation: Generation, text: str) -> list[dict[str, Any]]:
    """Return `reasoning_details` for a stretch of reasoning."""
    return [{"type": "reasoning.text", "text": text, "format": generation.model.native.reasoning, "index": 0}]


def failure(failure: Failure) -> dict[str, Any]:
    """Return the error object of a provider that failed under way."""
    return {"code": failure.code, "message": failure.message, "metadata": {"error_type": failure.error_type}}


def usage(usage: Usage) -> dict[str, Any]:
    """Return `usage`, the dollars exact."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.prompt_tokens + usage.completion_tokens,
        "cost": money.number(usage.cost),
        "is_byok": usage.is_byok,
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": {
            "upstream_inference_cost": money.number(usage.upstream_cost),
            "upstream_inference_prompt_cost": money.number(usage.prompt_cost),
            "upstream_inference_completions_cost": money.number(usage.completion_cost),
        },
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "image_tokens": 0,
            "audio_tokens": 0,
        },
    }
