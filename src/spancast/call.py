"""A Call: everything known of one HTTP exchange with OpenRouter that asked a model for something.

It is what capture makes, the journal keeps, the ledger books and the exporters send. Unknown is `None`, never zero.
"""

from decimal import Decimal
from typing import Literal

import msgspec

Outcome = Literal["completed", "error", "closed", "cancelled", "abandoned", "killed"]
"""How an exchange ended.

`completed`: the answer was read to its end. `error`: OpenRouter, the model or the network failed. `closed`: the
application closed the answer early. `cancelled`: its task was cancelled or interrupted. `abandoned`: the answer was
dropped and collected. `killed`: the process died with the answer under way.
"""

Scalar = str | int | float | bool
"""What a resource attribute may be."""


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The sampling parameters of a request, as the application wrote them (OpenRouter API, ChatRequest)."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    choice_count: int | None = None
    """`n`, how many choices were asked for."""
    stop: tuple[str, ...] | None = None
    reasoning_level: str | None = None
    """`reasoning.effort` or `reasoning_effort`."""


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One exchange. While it is under way `outcome` is `None`; what is known then is what its request says."""

    call_id: str
    """Random, 32 hex digits, minted when the exchange opens: the only unique key anywhere."""
    operation: str
    """What was asked for: chat, responses, embeddings, rerank, image, speech, transcription, video, ..."""
    started_at: int
    """Unix time in nanoseconds at which the request was handed to the client library."""
    outcome: Outcome | None = None

    server_address: str | None = None
    server_port: int | None = None
    http_status: int | None = None
    error_type: str | None = None
    """Not `None` exactly when the exchange failed: OpenRouter's stable `error_type`, else its error code, else the
    HTTP status, else the name of the exception."""
    error_message: str | None = None
    """The first 128 characters of OpenRouter's own message, secrets removed."""

    duration: int | None = None
    """Nanoseconds from the start to the end of the answer."""
    time_to_headers: int | None = None
    """Nanoseconds from the start to the status line and headers."""
    time_to_first_token: int | None = None
    """Nanoseconds from the start to the first piece of the answer itself; padding and comments are not it."""

    streamed: bool = False
    """Whether the application asked for a stream, or got one."""
    request_model: str | None = None
    request_models: tuple[str, ...] = ()
    """The fallback list `models`."""
    parameters: Parameters | None = None

    generation_id: str | None = None
    """`X-Generation-Id`, else the body's `id` as written. It names what OpenRouter made; it is no key of ours."""
    response_id: str | None = None
    """The body's `id` as written."""
    response_model: str | None = None
    provider: str | None = None
    """The provider that served the call, by its display name (`Amazon Bedrock`)."""
    finish_reasons: tuple[str | None, ...] | None = None
    """Normalised, in the order of the choices."""
    native_finish_reasons: tuple[str | None, ...] | None = None

    input_tokens: int | None = None
    """Includes what was read from and written to the cache."""
    output_tokens: int | None = None
    """Includes reasoning."""
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    reasoning_tokens: int | None = None

    cost: Decimal | None = None
    """US dollars charged to the account's credits, every digit as stated (`usage.cost`)."""
    upstream_cost: Decimal | None = None
    """US dollars of the provider's own price (`usage.cost_details.upstream_inference_cost`)."""
    is_byok: bool | None = None
    """Whether the account's own provider key served the call; only then is `upstream_cost` spent beside `cost`."""

    user: str | None = None
    session: str | None = None
    tags: dict[str, str] = {}

    trace_id: str | None = None
    """32 hex digits."""
    span_id: str | None = None
    """16 hex digits."""
    parent_span_id: str | None = None
    sampled: bool = True
    """Whether the trace's sampler kept it. Destinations follow that; the ledger does not."""
    destinations: tuple[str, ...] = ()
    """The destinations configured where the call was made."""
    resource: dict[str, Scalar] = {}
    """The OpenTelemetry resource of the process that made the call."""

    @property
    def finish_reason(self) -> str | None:
        """The known finish reasons joined by commas, by choice; `None` when none is known."""
        known = [reason for reason in self.finish_reasons or () if reason is not None]
        return ",".join(known) if known else None
