"""The simulator's bills."""

from collections.abc import Iterable
from decimal import Decimal

import msgspec


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """A generation as OpenRouter bills it, even if its client never received it. Money is in USD, exact."""

    generation_id: str
    created: int
    """Unix time in seconds."""
    operation: str = "chat"
    """chat, completion, responses, message, embeddings, rerank, image, speech, transcription, video or decision."""
    api_type: str = "completions"
    """The operation's name in `GET /generation`."""
    model: str
    """The model that responded, as stated: the dated slug if there is one."""
    provider: str
    router: str | None = None
    """`openrouter/auto` or `openrouter/free`, if that was requested."""
    service_tier: str | None = None
    """The tier that served it, if one was requested and the provider has it."""
    user: str | None = None
    session_id: str | None = None
    job_id: str | None = None
    """The video job or the batch that it belongs to."""

    prompt_tokens: int
    """Including cached tokens, and tokens written to the cache."""
    completion_tokens: int
    """Including reasoning and image tokens."""
    cached_tokens: int
    cache_write_tokens: int
    reasoning_tokens: int
    image_tokens: int = 0
    units: int = 0
    """Units that are priced other than tokens: characters of speech, seconds of audio or video, searches."""
    search_results: int = 0
    """The number of results of its web searches."""

    cost: Decimal
    """Charged to the credits."""
    upstream_cost: Decimal
    """Charged by the provider for the inference."""
    tool_cost: Decimal = Decimal()
    """The part of the cost that is for web searches."""
    is_byok: bool = False

    streamed: bool
    cancelled: bool = False
    """Whether the client disconnected, or was disconnected, before the end."""
    finish_reason: str | None
    native_finish_reason: str | None
    cache_source_id: str | None = None
    """The generation whose response the response cache repeated."""

    key_hash: str | None = None
    """SHA-256 of the API key, in hex."""
    app: str | None = None
    """The application's title, else its URL."""
    origin: str
    user_agent: str | None


def cancelled(bill: Bill) -> Bill:
    """Return the bill of a generation whose client disconnected: the full price, marked as cancelled."""
    return msgspec.structs.replace(bill, cancelled=True)


def total(bills: Iterable[Bill]) -> Decimal:
    """Return the sum that the bills charged to the credits."""
    return sum((bill.cost for bill in bills), Decimal())


def total_byok(bills: Iterable[Bill]) -> Decimal:
    """Return the sum that providers charged directly for generations with the user's own keys."""
    return sum((bill.upstream_cost for bill in bills if bill.is_byok), Decimal())
