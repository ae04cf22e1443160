"""The tokens and the dollars of one generation."""

from decimal import Decimal

import msgspec

from spancast.testing.simulator.models import Prices

_CACHED_QUARTERS = 3
"""Three quarters of a repeated prompt come from the cache."""


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens and USD. Prompt tokens include cached and written ones, completion tokens the reasoning ones."""

    prompt_tokens: int = 0
    completion_tokens: int = 0
    cached_tokens: int = 0
    cache_write_tokens: int = 0
    reasoning_tokens: int = 0
    prompt_cost: Decimal = Decimal()
    completion_cost: Decimal = Decimal()
    is_byok: bool = False
    cost: Decimal = Decimal()
    """What is charged to the credits."""

    @property
    def upstream_cost(self) -> Decimal:
        """What the provider takes."""
        return self.prompt_cost + self.completion_cost


def cached(usage: Usage, prices: Prices, *, repeated: bool, asked: bool) -> Usage:
    """Return the usage with what the cache did.

    A repeated prompt is read from it, where the model has a price for that; a new one is written to it, where there
    is a price and the request asked for it with `cache_control`.
    """
    share = usage.prompt_tokens * _CACHED_QUARTERS // 4
    if repeated and prices.cache_read is not None:
        return msgspec.structs.replace(usage, cached_tokens=share)
    if asked and prices.cache_write is not None:
        return msgspec.structs.replace(usage, cache_write_tokens=share)
    return usage


def priced(usage: Usage, prices: Prices) -> Usage:
    """Return the usage with its costs: tokens times prices, exact."""
    fresh = usage.prompt_tokens - usage.cached_tokens - usage.cache_write_tokens
    prompt_cost = (
        fresh * prices.prompt
        + usage.cached_tokens * (prices.cache_read or Decimal())
        + usage.cache_write_tokens * (prices.cache_write or Decimal())
    )
    completion_cost = usage.completion_tokens * prices.completion
    return msgspec.structs.replace(
        usage, prompt_cost=prompt_cost, completion_cost=completion_cost, cost=prompt_cost + completion_cost
    )
