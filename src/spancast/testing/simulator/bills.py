"""What the simulator charged."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """One generation as OpenRouter accounts for it, whether or not its client learned of it. Money is in USD, exact."""

    generation_id: str
    created: int
    """Unix time in seconds."""
    operation: str = "chat"
    """What was asked for: chat, completion, responses, message, embeddings, rerank, image, speech, transcription,
    video or decision."""
    api_type: str = "completions"
    """What `GET /generation` calls it."""
    model: str
    """The model that answered, as it is stated: the dated slug where there is one."""
    provider: str
    router: str | None = None
    """`openrouter/auto` or `openrouter/free`, where that was asked for."""
    service_tier: str | None = None
    """The tier that served it, where one was asked for and the provider has it."""
    user: str | None = None
    session_id: str | None = None
    job_id: str | None = None
    """The video job or the batch that it belongs to."""

    prompt_tokens: int
    """Includes the cached and the written ones."""
    completion_tokens: int
    """Includes the reasoning ones and those of images."""
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    image_tokens: int = 0
    units: int = 0
    """What is priced beside tokens: characters spoken, seconds heard or filmed, searches ranked."""
    search_results: int = 0
    """How many results the searches of the web for it had."""

    cost: Decimal
    """What was charged to the credits."""
    upstream_cost: Decimal
    """What the provider took for the inference."""
    tool_cost: Decimal = Decimal()
    """The part of the cost that was for searching the web."""
    is_byok: bool = False

    streamed: bool
    cancelled: bool = False
    """The client went away, or was cut off, before the end."""
    finish_reason: str | None
    native_finish_reason: str | None
    cache_source_id: str | None = None
    """The generation whose answer the response cache gave again."""

    key_hash: str | None = None
    """SHA-256 of the API key, in hex."""
    app: str | None = None
    """The application, by its title or its address."""
    origin: str
    user_agent: str | None


def cancelled(bill: Bill) -> Bill:
    """Return the bill of a generation whose client went away: the whole price, marked."""
    return msgspec.structs.replace(bill, cancelled=True)


def total(bills: Iterable[Bill]) -> Decimal:
    """Return what `bills` charged to the credits together."""
    return sum((bill.cost for bill in bills), Decimal())


def total_byok(bills: Iterable[Bill]) -> Decimal:
    """Return what providers took directly for the generations made with the user's own keys."""
    return sum((bill.upstream_cost for bill in bills if bill.is_byok), Decimal())
