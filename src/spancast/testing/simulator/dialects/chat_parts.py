"""Parts that chat responses and text completions share, plain or streamed, in wire order."""

import hashlib
from typing import Any

from spancast.testing.simulator.dialects import costs
from spancast.testing.simulator.generation import Failure, Generation
from spancast.testing.simulator.search import Source
from spancast.testing.simulator.text_output import TextOutput
from spancast.testing.simulator.usage import Usage


def head(made: Generation[TextOutput], kind: str) -> dict[str, Any]:
    """Return the first fields of a body or a chunk."""
    return {
        "id": made.id,
        "object": kind,
        "created": made.created,
        "model": made.model.slug,
        "provider": made.model.provider,
    }


def tail(made: Generation[TextOutput]) -> dict[str, Any]:
    """Return the last fields of a body, or of the last chunk."""
    stated = {"usage": usage(made.usage)} if made.usage_stated else {}
    return stated | ({"openrouter_metadata": made.routing} if made.routing else {})


def fingerprint(made: Generation[TextOutput]) -> str | None:
    """Return `system_fingerprint`, which OpenAI states and others do not."""
    if made.model.provider != "OpenAI":
        return None
    return f"fp_{hashlib.sha256(made.model.slug.encode()).hexdigest()[:10]}"


def reasoning_details(made: Generation[TextOutput], text: str) -> list[dict[str, Any]]:
    """Return `reasoning_details` for a segment of the reasoning."""
    return [{"type": "reasoning.text", "text": text, "format": made.model.native.reasoning, "index": 0}]


def annotations(sources: tuple[Source, ...], text: str) -> list[dict[str, Any]]:
    """Return the citations of the text; each one spans all of it."""
    return [
        {
            "type": "url_citation",
            "url_citation": {
                "url": source.url,
                "title": source.title,
                "content": source.excerpt,
                "start_index": 0,
                "end_index": len(text),
            },
        }
        for source in sources
    ]


def failure(failure: Failure) -> dict[str, Any]:
    """Return the error object of a provider error in mid-response."""
    return {"code": failure.code, "message": failure.message, "metadata": {"error_type": failure.error_type}}


def usage(usage: Usage) -> dict[str, Any]:
    """Return `usage`."""
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
        **costs.charged(usage),
        "prompt_tokens_details": {
            "cached_tokens": usage.cached_tokens,
            "cache_write_tokens": usage.cache_write_tokens,
            "audio_tokens": 0,
            "video_tokens": 0,
        },
        "cost_details": costs.details(usage),
        "completion_tokens_details": {
            "reasoning_tokens": usage.reasoning_tokens,
            "image_tokens": usage.image_tokens,
            "audio_tokens": 0,
        },
        **costs.server_tools(usage),
    }
