"""Token counts and costs of a generation."""

from decimal import Decimal
from typing import Literal

import msgspec

from spancast.testing.simulator.prices import Prices

_CACHED_QUARTERS = 3
"""The quarters of a repeated prompt that are read from the cache."""
Ttl = Literal["5m", "1h"]
"""How long a prompt may stay in the cache (Anthropic API, cache control)."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and USD.

    Prompt tokens include cached tokens and cache writes; completion tokens include reasoning and image tokens.
    """

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    cache_write_1h_tokens: int = 0
    """The cache write tokens with a TTL of one hour."""
    reasoning_tokens: int = 0
    image_tokens: int = 0
    units: int = 0
    """The number of units other than tokens; see `Prices.unit`."""
    searches: int = 0
    """The number of web searches."""
    search_results: int = 0
    tool_calls: int = 0
    """The number of calls of OpenRouter's server tools."""
    prompt_cost: Decimal = Decimal()
    completion_cost: Decimal = Decimal()
    tool_cost: Decimal = Decimal()
    is_byok: bool = False
    cost: Decimal = Decimal()
    """Charged to the credits, including tools."""

    @property
    def total_tokens(self) -> int:
        """All tokens."""
        return self.prompt_tokens + self.completion_tokens

    @property
    def upstream_cost(self) -> Decimal:
        """Charged by the provider for the inference."""
        return self.prompt_cost + self.completion_cost


def cached(usage: Usage, prices: Prices, *, repeated: bool, ttl: Ttl | None) -> Usage:
    """Return the usage with cache reads or writes.

    A repeated prompt is read from the cache if the model has a price for that. A new one is written to it if the model
    has a price for that and the request has `cache_control`, which determines the TTL.
    """
    share = usage.prompt_tokens * _CACHED_QUARTERS // 4
    if repeated and prices.cache_read is not None:
        return msgspec.structs.replace(usage, cached_tokens=share)
    if ttl is None or prices.cache_write is None:
        return usage
    is_long = ttl == "1h" and prices.cache_write_1h is not None
    return msgspec.structs.replace(usage, cache_write_tokens=share, cache_write_1h_tokens=share if is_long else 0)


def priced(usage: Usage, prices: Prices) -> Usage:
    """Return the usage with its exact costs: counts times prices, plus the cost of tools."""
    prompt_cost = _prompt_cost(usage, prices)
    text = usage.completion_tokens - usage.image_tokens
    completion_cost = text * prices.completion + usage.image_tokens * prices.image
    return msgspec.structs.replace(
        usage,
        prompt_cost=prompt_cost,
        completion_cost=completion_cost,
        cost=prompt_cost + completion_cost + usage.tool_cost,
    )


def insured(usage: Usage) -> Usage:
    """Return the usage of a failed generation: tools are charged, but inference is not.

    (OpenRouter docs, zero completion insurance.)
    """
    return msgspec.structs.replace(usage, prompt_cost=Decimal(), completion_cost=Decimal(), cost=usage.tool_cost)


def discounted(usage: Usage, share: Decimal, *, is_byok: bool) -> Usage:
    """Return the usage with `share` of the inference cost, and all of the tool cost, charged to the credits."""
    return msgspec.structs.replace(usage, is_byok=is_byok, cost=usage.upstream_cost * share + usage.tool_cost)


def add(one: Usage, other: Usage) -> Usage:
    """Return the sum of two usages; it is BYOK if either is."""
    return Usage(
        **{name: getattr(one, name) + getattr(other, name) for name in _SUMMED}, is_byok=one.is_byok or other.is_byok
    )


_SUMMED = tuple(name for name in Usage.__struct_fields__ if name != "is_byok")


def _prompt_cost(usage: Usage, prices: Prices) -> Decimal:
    written = usage.cache_write_tokens - usage.cache_write_1h_tokens
    fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    return (
        fresh * prices.prompt
        + usage.cached_tokens * (prices.cache_read or Decimal())
        + written * (prices.cache_write or Decimal())
        + usage.cache_write_1h_tokens * (prices.cache_write_1h or Decimal())
        + usage.units * prices.unit
    )
