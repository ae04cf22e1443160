"""Tokens and dollars, from the `usage` of an answer (OpenRouter API: ChatUsage, OpenResponsesResult, CostDetails).

The dialects name the same things by two sets of names, `prompt_tokens` and `input_tokens`; none uses both for different
things. `prompt_tokens` includes what was cached, `completion_tokens` includes reasoning, and `cost` is what was charged
to the account's credits; `upstream_inference_cost` is spent beside it only when `is_byok` (OpenRouter docs, usage
accounting).
"""

from operator import attrgetter
from typing import Any

import msgspec

from spancast.call import Modalities
from spancast.capture.decode import Decoder
from spancast.capture.values import Count, Facts, Text, known, money, number, stated


class _Input(msgspec.Struct):
    """What the input was made of."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    text_tokens: Count | None = None
    image_tokens: Count | None = None
    audio_tokens: Count | None = None
    video_tokens: Count | None = None
    file_tokens: Count | None = None


class _Output(msgspec.Struct):
    """What the output was made of."""

    reasoning_tokens: Count | None = None
    text_tokens: Count | None = None
    image_tokens: Count | None = None
    audio_tokens: Count | None = None
    accepted_prediction_tokens: Count | None = None
    rejected_prediction_tokens: Count | None = None


class _Costs(msgspec.Struct):
    """What the cost was made of."""

    upstream_inference_cost: Any = None
    upstream_inference_input_cost: Any = None
    upstream_inference_prompt_cost: Any = None
    upstream_inference_output_cost: Any = None
    upstream_inference_completions_cost: Any = None
    server_tool_cost: Any = None


class _Tools(msgspec.Struct):
    """What OpenRouter's own tools did."""

    tool_calls_executed: Count | None = None
    web_search_requests: Count | None = None


class _Written(msgspec.Struct):
    """What was written to the cache, by how long it stays there."""

    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _Bill(msgspec.Struct):
    """What every dialect calls by the same names."""

    cost: Any = None
    cost_details: _Costs | None = None
    is_byok: bool | None = None
    service_tier: Text | None = None
    cache_creation: _Written | None = None
    server_tool_use: _Tools | None = None
    server_tool_use_details: _Tools | None = None


class Usage(_Bill):
    """The `usage` of every dialect but Anthropic's."""

    input_tokens: Count | None = None
    prompt_tokens: Count | None = None
    output_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    search_units: Count | None = None
    seconds: Any = None
    input_tokens_details: _Input | None = None
    prompt_tokens_details: _Input | None = None
    output_tokens_details: _Output | None = None
    completion_tokens_details: _Output | None = None


class _Thought(msgspec.Struct):
    thinking_tokens: Count | None = None


class _MessagesUsage(_Bill):
    """Anthropic's `usage`."""

    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    output_tokens_details: _Thought | None = None


def usage_facts(usage: Usage) -> Facts:
    """Return the fields of a Call that `usage` states; what it does not state is left out."""
    found = _USAGE.of(usage)
    details = usage.prompt_tokens_details or usage.input_tokens_details
    made = usage.completion_tokens_details or usage.output_tokens_details
    parts: Facts = {}
    if details is not None:
        found |= _INPUT.of(details)
        parts |= _INPUT_PARTS.of(details)
    if made is not None:
        found |= stated(reasoning_tokens=made.reasoning_tokens)
        parts |= _OUTPUT_PARTS.of(made)
    if parts:
        found["modalities"] = Modalities(**parts)
    seconds = None if usage.seconds is None else number(usage.seconds)
    if seconds is not None:
        found["audio_seconds"] = seconds
    return found | _billed(usage)


def messages_usage_facts(usage: Any) -> Facts:
    """Return the same from Anthropic's `usage`, whose `input_tokens` exclude what the cache gave and took.

    They are brought to the convention, which includes both (Anthropic API, usage; GenAI semantic conventions).
    """
    seen = _messages_usage.of(usage) or _MessagesUsage()
    cached, written, rest = seen.cache_read_input_tokens, _written(seen), seen.input_tokens
    thought = seen.output_tokens_details or _Thought()
    return stated(
        input_tokens=None if rest is None else rest + (cached or 0) + (written or 0),
        output_tokens=seen.output_tokens,
        cached_tokens=cached,
        cache_write_tokens=written,
        reasoning_tokens=thought.thinking_tokens,
        **_billed(seen),
    )


def _written(usage: _MessagesUsage) -> int | None:
    """Return what was written to the cache: as stated, else the parts, of which it is the sum."""
    parts = () if usage.cache_creation is None else msgspec.structs.astuple(usage.cache_creation)
    known = [part for part in parts if part is not None]
    whole = usage.cache_creation_input_tokens
    return sum(known) if whole is None and known else whole


_messages_usage = Decoder(_MessagesUsage)


def _billed(bill: _Bill) -> Facts:
    written = {"cost": bill.cost} if bill.cost_details is None else {"cost": bill.cost, **_COSTS.of(bill.cost_details)}
    found: Facts = {field: cost for field, seen in written.items() if (cost := money(seen)) is not None}
    if bill.is_byok is not None:
        found["is_byok"] = bill.is_byok
    if bill.service_tier is not None:
        found["service_tier"] = bill.service_tier
    if bill.cache_creation is not None:
        found |= _WRITTEN.of(bill.cache_creation)
    tools = bill.server_tool_use_details or bill.server_tool_use
    return found if tools is None else found | _TOOLS.of(tools)


class _Fields:
    """The fields of a Call that the members of a struct state; of two members for one field the later one wins.

    All members are read in one call: one by one they were among the dearest things that a call cost its thread.
    """

    def __init__(self, **fields: str) -> None:
        """`fields` are the names of a Call's fields, two or more, by what the API calls them."""
        self._fields = tuple(fields.values())
        self._read = attrgetter(*fields)

    def of(self, seen: msgspec.Struct) -> Facts:
        """Return those that are stated."""
        return known(self._fields, self._read(seen))


_USAGE = _Fields(
    input_tokens="input_tokens",
    prompt_tokens="input_tokens",
    output_tokens="output_tokens",
    completion_tokens="output_tokens",
    total_tokens="total_tokens",
    search_units="search_units",
)
_INPUT = _Fields(cached_tokens="cached_tokens", cache_write_tokens="cache_write_tokens")
_INPUT_PARTS = _Fields(
    text_tokens="text_input",
    image_tokens="image_input",
    audio_tokens="audio_input",
    video_tokens="video_input",
    file_tokens="file_input",
)
_OUTPUT_PARTS = _Fields(
    text_tokens="text_output",
    image_tokens="image_output",
    audio_tokens="audio_output",
    accepted_prediction_tokens="accepted_prediction",
    rejected_prediction_tokens="rejected_prediction",
)
_COSTS = _Fields(
    upstream_inference_cost="upstream_cost",
    upstream_inference_input_cost="upstream_input_cost",
    upstream_inference_prompt_cost="upstream_input_cost",
    upstream_inference_output_cost="upstream_output_cost",
    upstream_inference_completions_cost="upstream_output_cost",
    server_tool_cost="server_tool_cost",
)
_WRITTEN = _Fields(ephemeral_5m_input_tokens="cache_write_5m_tokens", ephemeral_1h_input_tokens="cache_write_1h_tokens")
_TOOLS = _Fields(tool_calls_executed="server_tool_calls", web_search_requests="web_searches")
