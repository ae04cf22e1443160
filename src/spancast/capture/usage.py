"""Tokens and dollars, from the `usage` of an answer (OpenRouter API: ChatUsage, OpenResponsesResult, CostDetails).

The dialects have two sets of names for the same counts, `prompt_tokens` and `input_tokens`; none uses both for
different ones. `prompt_tokens` includes cached tokens, `completion_tokens` includes reasoning, and `cost` is what was
charged to the account's credits; `upstream_inference_cost` is spent in addition only when `is_byok` (OpenRouter docs,
usage accounting).
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

from spancast.capture.values import Facts, count, flag, member, money, number, stated, text
from spancast.records.call import Modalities


def usage_facts(usage: Mapping[str, Any]) -> Facts:
    """Return the fields of a Call that the `usage` of any dialect but Anthropic's states."""
    found, parts = Facts(), Facts()
    _read(usage, _USAGE, found, parts)
    if parts:
        found["modalities"] = Modalities(**parts)
    return found


def messages_usage_facts(usage: Mapping[str, Any]) -> Facts:
    """Return the same from Anthropic's `usage`, whose `input_tokens` exclude tokens read from and written to the cache.

    They are converted to the convention, which includes both (Anthropic API, usage; GenAI semantic conventions).
    """
    found = Facts()
    _read(usage, _BILL, found, {})
    cached, written = count(usage.get("cache_read_input_tokens")), _cache_write_tokens(usage, found)
    uncached = count(usage.get("input_tokens"))
    return found | stated(
        input_tokens=None if uncached is None else uncached + (cached or 0) + (written or 0),
        output_tokens=count(usage.get("output_tokens")),
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=count(member(usage.get("output_tokens_details"), "thinking_tokens")),
    )


def _cache_write_tokens(usage: Mapping[str, Any], found: Facts) -> int | None:
    """Return the tokens written to the cache: as stated, else the sum of their parts."""
    total = count(usage.get("cache_creation_input_tokens"))
    parts = [found[field] for field in _CACHE_WRITES if field in found]
    return sum(parts) if total is None and parts else total


class _Field(NamedTuple):
    """What a member of a `usage` states."""

    name: str
    """The field of a Call, or of its `modalities`."""
    read: Callable[[Any], Any]
    """Returns the value, or `None` where it is of another type."""
    is_part: bool = False
    """Whether it is a field of `modalities`."""
    is_fallback: bool = False
    """Whether it counts only where no other member states the same."""


_Members: TypeAlias = "Mapping[str, _Field | _Members]"


def _read(source: Mapping[str, Any], members: _Members, found: Facts, parts: Facts) -> None:
    """Read the known members of an object, and of the objects in it."""
    for name, value in source.items():
        if value is None or (known := members.get(name)) is None:
            continue
        if not isinstance(known, _Field):
            if isinstance(value, dict):
                _read(value, known, found, parts)
            continue
        field, read, is_part, is_fallback = known
        into = parts if is_part else found
        if is_fallback and field in into:
            continue
        if (fact := read(value)) is not None:
            into[field] = fact


def _fields(read: Callable[[Any], Any], *, is_part: bool = False, is_fallback: bool = False, **fields: str) -> _Members:
    """Return members of one type: from their names in the API to the fields of a Call, or of its `modalities`."""
    return {name: _Field(field, read, is_part, is_fallback) for name, field in fields.items()}


def _fallbacks(members: _Members) -> _Members:
    return {name: each._replace(is_fallback=True) for name, each in members.items() if isinstance(each, _Field)}


_INPUT: _Members = {
    **_fields(count, cached_tokens="cached_tokens", cache_write_tokens="cache_write_tokens"),
    **_fields(
        count,
        is_part=True,
        text_tokens="text_input",
        image_tokens="image_input",
        audio_tokens="audio_input",
        video_tokens="video_input",
        file_tokens="file_input",
    ),
}
_OUTPUT: _Members = {
    **_fields(count, reasoning_tokens="reasoning_tokens"),
    **_fields(
        count,
        is_part=True,
        text_tokens="text_output",
        image_tokens="image_output",
        audio_tokens="audio_output",
        accepted_prediction_tokens="accepted_prediction",
        rejected_prediction_tokens="rejected_prediction",
    ),
}
_COSTS: _Members = {
    **_fields(
        money,
        upstream_inference_cost="upstream_cost",
        upstream_inference_prompt_cost="upstream_input_cost",
        upstream_inference_completions_cost="upstream_output_cost",
        server_tool_cost="server_tool_cost",
    ),
    **_fields(
        money,
        is_fallback=True,
        upstream_inference_input_cost="upstream_input_cost",
        upstream_inference_output_cost="upstream_output_cost",
    ),
}
_TOOLS = _fields(count, tool_calls_executed="server_tool_calls", web_search_requests="web_searches")
_CACHE_WRITES = ("cache_write_5m_tokens", "cache_write_1h_tokens")
_CACHE_CREATION = _fields(count, ephemeral_5m_input_tokens=_CACHE_WRITES[0], ephemeral_1h_input_tokens=_CACHE_WRITES[1])
_BILL: _Members = {
    **_fields(money, cost="cost"),
    **_fields(flag, is_byok="is_byok"),
    **_fields(text, service_tier="service_tier"),
    "cost_details": _COSTS,
    "cache_creation": _CACHE_CREATION,
    "server_tool_use": _fallbacks(_TOOLS),
    "server_tool_use_details": _TOOLS,
}
"""The members that have the same names in every dialect."""
_USAGE: _Members = {
    **_BILL,
    **_fields(
        count,
        prompt_tokens="input_tokens",
        completion_tokens="output_tokens",
        total_tokens="total_tokens",
        search_units="search_units",
    ),
    **_fields(count, is_fallback=True, input_tokens="input_tokens", output_tokens="output_tokens"),
    **_fields(number, seconds="audio_seconds"),
    "prompt_tokens_details": _INPUT,
    "completion_tokens_details": _OUTPUT,
    "input_tokens_details": _fallbacks(_INPUT),
    "output_tokens_details": _fallbacks(_OUTPUT),
}
