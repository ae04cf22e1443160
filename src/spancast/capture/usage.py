"""Tokens and dollars, from the `usage` of an answer (OpenRouter API: ChatUsage, OpenResponsesResult, CostDetails).

The dialects name the same things by two sets of names, `prompt_tokens` and `input_tokens`; none uses both for different
things. `prompt_tokens` includes what was cached, `completion_tokens` includes reasoning, and `cost` is what was charged
to the account's credits; `upstream_inference_cost` is spent beside it only when `is_byok` (OpenRouter docs, usage
accounting).
"""

from collections.abc import Callable
from typing import Any

from spancast.call import Modalities
from spancast.capture.values import Facts, count, flag, member, money, number, text


def usage_facts(usage: Any) -> Facts:
    """Return the fields of a Call that `usage` states; what it does not state is left out."""
    prompt = _either(usage, "prompt_tokens_details", "input_tokens_details")
    completion = _either(usage, "completion_tokens_details", "output_tokens_details")
    found = _counts(usage, _USAGE) | _counts(prompt, _PROMPT) | _counts(completion, _COMPLETION)
    parts = _counts(prompt, _PROMPT_PARTS) | _counts(completion, _COMPLETION_PARTS)
    if parts:
        found["modalities"] = Modalities(**parts)
    seconds = number(member(usage, "seconds"))
    if seconds is not None:
        found["audio_seconds"] = seconds
    return found | _money(usage) | _tools(usage)


def messages_usage_facts(usage: Any) -> Facts:
    """Return the same from Anthropic's `usage`, whose `input_tokens` exclude what the cache gave and took.

    They are brought to the convention, which includes both (Anthropic API, usage; GenAI semantic conventions).
    """
    cached = count(member(usage, "cache_read_input_tokens"))
    written = count(member(usage, "cache_creation_input_tokens"))
    rest, output = count(member(usage, "input_tokens")), count(member(usage, "output_tokens"))
    written_for = member(usage, "cache_creation")
    return stated(
        input_tokens=None if rest is None else rest + (cached or 0) + (written or 0),
        output_tokens=output,
        cached_tokens=cached,
        cache_write_tokens=written,
        cache_write_5m_tokens=count(member(written_for, "ephemeral_5m_input_tokens")),
        cache_write_1h_tokens=count(member(written_for, "ephemeral_1h_input_tokens")),
        reasoning_tokens=count(member(member(usage, "output_tokens_details"), "thinking_tokens")),
        service_tier=text(member(usage, "service_tier")),
        **_money(usage),
        **_tools(usage),
    )


def stated(**facts: Any) -> Facts:
    """Return the facts that are known."""
    return {name: value for name, value in facts.items() if value is not None}


def _money(usage: Any) -> Facts:
    found = _read(usage, _COSTS, money) | _read(member(usage, "cost_details"), _COST_DETAILS, money)
    is_byok = flag(member(usage, "is_byok"))
    return found if is_byok is None else {**found, "is_byok": is_byok}


def _tools(usage: Any) -> Facts:
    return _counts(_either(usage, "server_tool_use_details", "server_tool_use"), _TOOLS)


_Names = dict[str, str]
"""By what the API calls a thing: the field of a Call. Of two names for one field the second wins."""

_USAGE: _Names = {
    "input_tokens": "input_tokens",
    "prompt_tokens": "input_tokens",
    "output_tokens": "output_tokens",
    "completion_tokens": "output_tokens",
    "total_tokens": "total_tokens",
    "search_units": "search_units",
}
_PROMPT: _Names = {"cached_tokens": "cached_tokens", "cache_write_tokens": "cache_write_tokens"}
_COMPLETION: _Names = {"reasoning_tokens": "reasoning_tokens"}
_PROMPT_PARTS: _Names = {
    "text_tokens": "text_input",
    "image_tokens": "image_input",
    "audio_tokens": "audio_input",
    "video_tokens": "video_input",
    "file_tokens": "file_input",
}
_COMPLETION_PARTS: _Names = {
    "text_tokens": "text_output",
    "image_tokens": "image_output",
    "audio_tokens": "audio_output",
    "accepted_prediction_tokens": "accepted_prediction",
    "rejected_prediction_tokens": "rejected_prediction",
}
_COSTS: _Names = {"cost": "cost"}
_COST_DETAILS: _Names = {
    "upstream_inference_cost": "upstream_cost",
    "upstream_inference_input_cost": "upstream_input_cost",
    "upstream_inference_prompt_cost": "upstream_input_cost",
    "upstream_inference_output_cost": "upstream_output_cost",
    "upstream_inference_completions_cost": "upstream_output_cost",
    "server_tool_cost": "server_tool_cost",
}
_TOOLS: _Names = {"tool_calls_executed": "server_tool_calls", "web_search_requests": "web_searches"}


def _counts(seen: Any, names: _Names) -> Facts:
    return _read(seen, names, count)


def _read(seen: Any, names: _Names, read: Callable[[Any], object]) -> Facts:
    """Return what is stated, by the fields of a Call."""
    if not isinstance(seen, dict):
        return {}
    return {field: value for name, field in names.items() if name in seen and (value := read(seen[name])) is not None}


def _either(value: Any, one: str, other: str) -> Any:
    seen = member(value, one)
    return member(value, other) if seen is None else seen
