"""What the simulator charged."""

from decimal import Decimal

import msgspec


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """One generation as OpenRouter accounts for it, whether or not its client learned of it. Money is in USD, exact."""

    generation_id: str
    created: int
    """Unix time in seconds."""
    model: str
    """The model that answered: the dated slug where there is one."""
    provider: str
    router: str | None = None
    """`openrouter/auto` or `openrouter/free`, where that was asked for."""
    user: str | None = None
    session_id: str | None = None

    prompt_tokens: int
    """Includes the cached and the written ones."""
    completion_tokens: int
    """Includes the reasoning ones."""
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int

    cost: Decimal
    """What was charged to the credits."""
    upstream_cost: Decimal
    """What the provider took for the inference."""
    is_byok: bool = False

    streamed: bool
    cancelled: bool = False
    """The client went away, or was cut off, before the end."""
    finish_reason: str | None
    native_finish_reason: str | None

    origin: str
    user_agent: str | None


def total(bills: tuple[Bill, ...]) -> Decimal:
    """Return what `bills` charged to the credits together."""
    return sum((bill.cost for bill in bills), Decimal())


def total_byok(bills: tuple[Bill, ...]) -> Decimal:
    """Return what providers took directly for the generations made with the user's own keys."""
    return sum((bill.upstream_cost for bill in bills if bill.is_byok), Decimal())
