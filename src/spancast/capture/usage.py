"""Tokens and dollars, from the `usage` of an answer (OpenRouter API: ChatUsage, OpenResponsesResult, CostDetails).

The dialects name the same things by two sets of names, `prompt_tokens` and `input_tokens`; none uses both for different
things. `prompt_tokens` includes what was cached, `completion_tokens` includes reasoning, and `cost` is what was charged
to the account's credits; `upstream_inference_cost` is spent beside it only when `is_byok` (OpenRouter docs, usage
accounting).
"""

from collections.abc import Callable, Mapping
from typing import Any

from spancast.call import Modalities
from spancast.capture.values import Facts, count, flag, member, money, number, stated, text


def usage_facts(usage: Mapping[str, Any]) -> Facts:
    """Return the fields of a Call that the `usage` of any dialect but Anthropic's states; of all else nothing."""
    found, parts = _billed(usage), Facts()
    _read(usage, _USAGE, found)
    for names, table, its_parts in _DETAILS:
        details = next((seen for name in names if isinstance(seen := usage.get(name), dict)), None)
        _read(details, table, found)
        _read(details, its_parts, parts)
    if parts:
        found["modalities"] = Modalities(**parts)
    return found


def messages_usage_facts(usage: Mapping[str, Any]) -> Facts:
    """Return the same from Anthropic's `usage`, whose `input_tokens` exclude what the cache gave and took.

    They are brought to the convention, which includes both (Anthropic API, usage; GenAI semantic conventions).
    """
    cached, written = count(usage.get("cache_read_input_tokens")), _written(usage)
    rest = count(usage.get("input_tokens"))
    return stated(
        input_tokens=None if rest is None else rest + (cached or 0) + (written or 0),
        output_tokens=count(usage.get("output_tokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=count(member(usage.get("output_tokens_details"), "thinking_tokens")),
        **_billed(usage),
    )


def _written(usage: Mapping[str, Any]) -> int | None:
    """Return what was written to the cache: as stated, else the parts, of which it is the sum."""
    whole, parts = count(usage.get("cache_creation_input_tokens")), Facts()
    _read(usage.get("cache_creation"), _WRITTEN, parts)
    return sum(parts.values()) if whole is None and parts else whole


def _billed(usage: Mapping[str, Any]) -> Facts:
    """Return what every dialect calls by the same names."""
    found = Facts()
    _read(usage, _BILL, found)
    for name, table in _BILLED:
        seen = usage.get(name)
        if seen is not None:
            _read(seen, table, found)
    return found


_Table = tuple[tuple[str, str, Callable[[Any], Any]], ...]


def _read(seen: Any, table: _Table, found: Facts) -> None:
    """Find the members of an object that are of their kinds; of two for one field the later one of the table."""
    if isinstance(seen, dict):
        for name, field, read in table:
            value = seen.get(name)
            if value is not None and (known := read(value)) is not None:
                found[field] = known


def _table(read: Callable[[Any], Any], **fields: str) -> _Table:
    """Return members of one kind: by what the API calls them, the fields of a Call, or of its `modalities`."""
    return tuple((name, field, read) for name, field in fields.items())


_USAGE = _table(
    count,
    input_tokens="input_tokens",
    prompt_tokens="input_tokens",
    output_tokens="output_tokens",
    completion_tokens="output_tokens",
    total_tokens="total_tokens",
    search_units="search_units",
) + _table(number, seconds="audio_seconds")
_INPUT = _table(count, cached_tokens="cached_tokens", cache_write_tokens="cache_write_tokens")
_INPUT_PARTS = _table(
    count,
    text_tokens="text_input",
    image_tokens="image_input",
    audio_tokens="audio_input",
    video_tokens="video_input",
    file_tokens="file_input",
)
_OUTPUT = _table(count, reasoning_tokens="reasoning_tokens")
_OUTPUT_PARTS = _table(
    count,
    text_tokens="text_output",
    image_tokens="image_output",
    audio_tokens="audio_output",
    accepted_prediction_tokens="accepted_prediction",
    rejected_prediction_tokens="rejected_prediction",
)
_DETAILS = (
    (("prompt_tokens_details", "input_tokens_details"), _INPUT, _INPUT_PARTS),
    (("completion_tokens_details", "output_tokens_details"), _OUTPUT, _OUTPUT_PARTS),
)
_BILL = _table(money, cost="cost") + _table(flag, is_byok="is_byok") + _table(text, service_tier="service_tier")
_COSTS = _table(
    money,
    upstream_inference_cost="upstream_cost",
    upstream_inference_input_cost="upstream_input_cost",
    upstream_inference_prompt_cost="upstream_input_cost",
    upstream_inference_output_cost="upstream_output_cost",
    upstream_inference_completions_cost="upstream_output_cost",
    server_tool_cost="server_tool_cost",
)
_WRITTEN = _table(
    count, ephemeral_5m_input_tokens="cache_write_5m_tokens", ephemeral_1h_input_tokens="cache_write_1h_tokens"
)
_TOOLS = _table(count, tool_calls_executed="server_tool_calls", web_search_requests="web_searches")
_BILLED = (
    ("cost_details", _COSTS),
    ("cache_creation", _WRITTEN),
    ("server_tool_use", _TOOLS),
    ("server_tool_use_details", _TOOLS),
)
"""The members of a `usage` that have members of their own, in every dialect."""
