"""Parts of a message, plain or streamed."""

from typing import Any

import msgspec

from spancast.testing.simulator.dialects import costs
from spancast.testing.simulator.generation import Generation
from spancast.testing.simulator.identity import derived
from spancast.testing.simulator.search import Source
from spancast.testing.simulator.text_output import TextOutput
from spancast.testing.simulator.toolcalls import ToolCall
from spancast.testing.simulator.usage import Usage

_STOPS = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use", "content_filter": "refusal"}
"""Anthropic's stop reasons, by chat's finish reason."""


def head(made: Generation[TextOutput]) -> dict[str, Any]:
    """Return the fields that a message states from its start."""
    return {
        "id": made.id,
        "type": "message",
        "role": "assistant",
        "container": None,
        "model": made.model.slug,
        "provider": made.model.provider,
    }


def stop(made: Generation[TextOutput]) -> dict[str, Any]:
    """Return the stop reason."""
    reason = _STOPS.get(made.finish_reason or "")
    details = {"type": "refusal", "category": None, "explanation": None} if reason == "refusal" else None
    return {"stop_reason": reason, "stop_sequence": None, "stop_details": details}


def routing(made: Generation[TextOutput]) -> dict[str, Any]:
    """Return the routing metadata, if it was requested."""
    return {"openrouter_metadata": made.routing} if made.routing else {}


def blocks(made: Generation[TextOutput]) -> list[dict[str, Any]]:
    """Return the content blocks: the thinking, then the text or the tool calls."""
    said = made.output
    thinking = [thought("".join(said.thought), signature(made))] if said.thought else []
    if said.tool_calls:
        return [*thinking, *(call(each, msgspec.json.decode(each.arguments)) for each in said.tool_calls)]
    cited = list(map(citation, said.sources))
    return [*thinking, text(said.text, cited or None)] if said.content else thinking


def thought(words: str, signed: str) -> dict[str, Any]:
    """Return a thinking block."""
    return {"type": "thinking", "thinking": words, "signature": signed}


def signature(made: Generation[TextOutput]) -> str:
    """Return the signature of the thinking block."""
    return derived("sig-", made.id)


def text(words: str, cited: list[dict[str, Any]] | None) -> dict[str, Any]:
    """Return a text block."""
    return {"type": "text", "text": words, "citations": cited}


def call(called: ToolCall, arguments: Any) -> dict[str, Any]:
    """Return the block of a tool call."""
    return {
        "type": "tool_use",
        "id": called.id,
        "name": called.name,
        "input": arguments,
        "caller": {"type": "direct"},
    }


def citation(source: Source) -> dict[str, Any]:
    """Return a citation of the source."""
    return {
        "type": "web_search_result_location",
        "url": source.url,
        "title": source.title,
        "cited_text": source.excerpt,
        "encrypted_index": derived("", source.url),
    }


def usage(made: Generation[TextOutput]) -> dict[str, Any]:
    """Return `usage`, including costs."""
    used = made.usage
    return counts(used, made.model.tier) | costs.charged(used) | {"cost_details": costs.details(used)}


def counts(used: Usage, tier: str | None) -> dict[str, Any]:
    """Return the token counts. As in Anthropic's API, input tokens exclude cache reads and writes."""
    return {
        "input_tokens": used.prompt_tokens - used.cached_tokens - used.cache_write_tokens,
        "output_tokens": used.completion_tokens,
        "cache_creation_input_tokens": used.cache_write_tokens,
        "cache_read_input_tokens": used.cached_tokens,
        "cache_creation": {
            "ephemeral_5m_input_tokens": used.cache_write_tokens - used.cache_write_1h_tokens,
            "ephemeral_1h_input_tokens": used.cache_write_1h_tokens,
        },
        "output_tokens_details": {"thinking_tokens": used.reasoning_tokens},
        "server_tool_use": {"web_search_requests": used.searches, "web_fetch_requests": 0} if used.searches else None,
        "inference_geo": None,
        "service_tier": "standard" if tier in {None, "default"} else tier,
    }
