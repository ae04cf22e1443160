"""Tokens and dollars, from the `usage` of an answer (OpenRouter API: ChatUsage, OpenResponsesResult, CostDetails).

The dialects name the same things by two sets of names, `prompt_tokens` and `input_tokens`; none uses both for different
things. `prompt_tokens` includes what was cached, `completion_tokens` includes reasoning, and `cost` is what was charged
to the account's credits; `upstream_inference_cost` is spent beside it only when `is_byok` (OpenRouter docs, usage
accounting).
"""

from typing import Any

from spancast.call import Modalities
from spancast.capture.values import Facts, count, flag, member, money, number, text


def usage_facts(usage: Any) -> Facts:
    """Return the fields of a Call that `usage` states; what it does not state is left out."""
    prompt = _either(usage, "prompt_tokens_details", "input_tokens_details")
    completion = _either(usage, "completion_tokens_details", "output_tokens_details")
    return stated(
        input_tokens=count(_either(usage, "prompt_tokens", "input_tokens")),
        output_tokens=count(_either(usage, "completion_tokens", "output_tokens")),
        total_tokens=count(member(usage, "total_tokens")),
        cached_tokens=count(member(prompt, "cached_tokens")),
        cache_write_tokens=count(member(prompt, "cache_write_tokens")),
        reasoning_tokens=count(member(completion, "reasoning_tokens")),
        modalities=_modalities(prompt, completion),
        search_units=count(member(usage, "search_units")),
        audio_seconds=number(member(usage, "seconds")),
        **_money(usage),
        **_tools(usage),
    )


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
    details = member(usage, "cost_details")
    return {
        "cost": money(member(usage, "cost")),
        "upstream_cost": money(member(details, "upstream_inference_cost")),
        "upstream_input_cost": money(
            _either(details, "upstream_inference_prompt_cost", "upstream_inference_input_cost")
        ),
        "upstream_output_cost": money(
            _either(details, "upstream_inference_completions_cost", "upstream_inference_output_cost")
        ),
        "server_tool_cost": money(member(details, "server_tool_cost")),
        "is_byok": flag(member(usage, "is_byok")),
    }


def _tools(usage: Any) -> Facts:
    used = _either(usage, "server_tool_use_details", "server_tool_use")
    return {
        "server_tool_calls": count(member(used, "tool_calls_executed")),
        "web_searches": count(member(used, "web_search_requests")),
    }


def _modalities(prompt: Any, completion: Any) -> Modalities | None:
    found = Modalities(
        text_input=count(member(prompt, "text_tokens")),
        image_input=count(member(prompt, "image_tokens")),
        audio_input=count(member(prompt, "audio_tokens")),
        video_input=count(member(prompt, "video_tokens")),
        file_input=count(member(prompt, "file_tokens")),
        text_output=count(member(completion, "text_tokens")),
        image_output=count(member(completion, "image_tokens")),
        audio_output=count(member(completion, "audio_tokens")),
        accepted_prediction=count(member(completion, "accepted_prediction_tokens")),
        rejected_prediction=count(member(completion, "rejected_prediction_tokens")),
    )
    return found if found != _NONE else None


_NONE = Modalities()


def _either(value: Any, one: str, other: str) -> Any:
    seen = member(value, one)
    return member(value, other) if seen is None else seen
