"""The exact costs in `usage`."""

from typing import Any

from spancast.testing.simulator import money
from spancast.testing.simulator.usage import Usage


def charged(usage: Usage) -> dict[str, Any]:
    """Return the cost charged to the credits."""
    return {"cost": money.number(usage.cost), "is_byok": usage.is_byok}


def details(usage: Usage, prompt: str = "prompt", completion: str = "completions") -> dict[str, Any]:
    """Return `cost_details`: the provider's charges, for prompt and completion under the dialect's names."""
    stated = {
        "upstream_inference_cost": money.number(usage.upstream_cost),
        f"upstream_inference_{prompt}_cost": money.number(usage.prompt_cost),
        f"upstream_inference_{completion}_cost": money.number(usage.completion_cost),
    }
    return stated | ({"server_tool_cost": money.number(usage.tool_cost)} if usage.searches else {})


def server_tools(usage: Usage) -> dict[str, Any]:
    """Return the use of server tools; a search by the plugin is not a tool call."""
    if not usage.searches:
        return {}
    counted = {
        "web_search_requests": usage.searches,
        "tool_calls_requested": usage.tool_calls,
        "tool_calls_executed": usage.tool_calls,
    }
    return {"server_tool_use_details": counted}
