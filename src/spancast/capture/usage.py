"""Tokens and dollars, from the `usage` object of a chat answer (OpenRouter API, ChatUsage and CostDetails)."""

from typing import Any

from spancast.capture.values import count, flag, member, money


def usage_facts(usage: Any) -> dict[str, Any]:
    """Return the fields of a Call that `usage` states; what it does not state is left out.

    `prompt_tokens` includes what was cached, `completion_tokens` includes reasoning, and `cost` is what was charged to
    the account's credits; `upstream_inference_cost` is spent beside it only when `is_byok` (OpenRouter docs, usage
    accounting).
    """
    prompt, completion = member(usage, "prompt_tokens_details"), member(usage, "completion_tokens_details")
    facts = {
        "input_tokens": count(member(usage, "prompt_tokens")),
        "output_tokens": count(member(usage, "completion_tokens")),
        "total_tokens": count(member(usage, "total_tokens")),
        "cached_tokens": count(member(prompt, "cached_tokens")),
        "cache_write_tokens": count(member(prompt, "cache_write_tokens")),
        "reasoning_tokens": count(member(completion, "reasoning_tokens")),
        "cost": money(member(usage, "cost")),
        "upstream_cost": money(member(member(usage, "cost_details"), "upstream_inference_cost")),
        "is_byok": flag(member(usage, "is_byok")),
    }
    return {name: value for name, value in facts.items() if value is not None}
