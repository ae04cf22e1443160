"""A Call: everything known of one HTTP exchange with OpenRouter that asked a model for something.

It is what capture makes, the journal keeps, the ledger books and the exporters send. Unknown is `None`, never zero.
"""

from decimal import Context, Decimal
from typing import Literal

import msgspec

Outcome = Literal["completed", "error", "closed", "cancelled", "abandoned", "killed"]
"""How an exchange ended.

`completed`: the answer was read to its end. `error`: OpenRouter, the model or the network failed. `closed`: the
application closed the answer early. `cancelled`: its task was cancelled or interrupted. `abandoned`: the answer was
dropped and collected. `killed`: the process died with the answer under way.
"""

CostSource = Literal["response", "generation", "analytics", "prices"]
"""Where a cost is from: the answer, or the poll of its job; OpenRouter's record of the generation; its analytics, or
their export; or an estimate by OpenRouter's price list."""

_EXACT = Context(prec=200)
"""Sums and differences of stated amounts keep every digit."""

Scalar = str | int | float | bool
"""What a resource attribute may be."""


def spent(cost: Decimal | None, upstream_cost: Decimal | None, *, is_byok: bool | None) -> Decimal | None:
    """Return what left any account, in US dollars: the cost, and under BYOK the provider's own bill beside it.

    `None` when one of them is unknown that counts.
    """
    if cost is None or not is_byok:
        return cost
    return None if upstream_cost is None else _EXACT.add(cost, upstream_cost)


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a request asks of the model, as the application wrote it (OpenRouter API, ChatRequest and its siblings)."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    top_a: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    repetition_penalty: float | None = None
    seed: int | None = None
    choice_count: int | None = None
    """`n`, how many choices were asked for."""
    stop: tuple[str, ...] | None = None
    reasoning_level: str | None = None
    """`reasoning.effort`, `reasoning_effort` or `output_config.effort`."""
    verbosity: str | None = None
    modalities: tuple[str, ...] | None = None
    """What the answer may be made of: text, image, audio."""
    response_format: str | None = None
    """`response_format.type` or `text.format.type`: text, json_object, json_schema, ..., or a container such as mp3."""
    dimensions: int | None = None
    """The length of an embedding."""
    encoding_format: str | None = None
    """How an embedding is written: float, base64."""
    service_tier: str | None = None
    """The tier asked for; what is billed is the tier that served."""
    tool_count: int | None = None
    """How many tools the model was offered."""
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    plugins: tuple[str, ...] | None = None
    """The ids of OpenRouter's plugins: web, file-parser, ..."""
    preset: str | None = None
    previous_response_id: str | None = None


class Modalities(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens by what they stand for; each is a part of the input, of the output or of the cached input."""

    text_input: int | None = None
    image_input: int | None = None
    audio_input: int | None = None
    video_input: int | None = None
    file_input: int | None = None
    text_output: int | None = None
    image_output: int | None = None
    audio_output: int | None = None
    audio_cached: int | None = None
    accepted_prediction: int | None = None
    rejected_prediction: int | None = None


class Attempt(msgspec.Struct, frozen=True):
    """One try of OpenRouter's own at an endpoint."""

    model: str | None
    provider: str | None
    status: int | None


class Routing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How OpenRouter found who answers; stated only to a request with `X-OpenRouter-Metadata: enabled`."""

    strategy: str | None = None
    """direct, auto, fallback, ..."""
    attempt: int | None = None
    """Which try succeeded, from 1."""
    attempts: tuple[Attempt, ...] = ()
    pipeline: tuple[str, ...] = ()
    """The names of the stages that the request passed: guardrails, plugins."""
    summary: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="call"):
    """One exchange. While it is under way `outcome` is `None`; what is known then is what its request says."""

    call_id: str
    """Random, 32 hex digits, minted when the exchange opens: the only unique key anywhere."""
    operation: str
    """What was asked for: chat, completion, responses, message, embeddings, rerank, image, speech, transcription,
    video, batch, decision; or unknown."""
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
    error_provider: str | None = None
    """The provider that failed, as the error says."""
    previous_errors: tuple[str, ...] = ()
    """The codes of the failures that OpenRouter met before this one, oldest first."""
    retry_after: float | None = None
    """Seconds that OpenRouter asks to wait before the next try."""
    attempt_of: str | None = None
    """The `call_id` of the first attempt, where a client library tries the same request again."""
    retry: int | None = None
    """Which repetition this is, from 1; 0 or `None` for the first attempt."""

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
    """The fallback list: `models`, or those of `fallbacks`."""
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
    status: str | None = None
    """What a Responses object or a job says of itself: completed, incomplete, failed, pending, ..."""
    service_tier: str | None = None
    """The tier that served, which is the one that is billed."""
    region: str | None = None
    """Where it was served, as OpenRouter's routing metadata or the regional host says."""
    request_id: str | None = None
    """OpenRouter's name for the API request; it groups what one request generated."""
    cache_hit: bool | None = None
    """Whether OpenRouter's response cache answered, for nothing; `None` where the cache was not asked."""
    routing: Routing | None = None
    tool_calls: int | None = None
    """Function calls that the model asks the application for."""
    server_tool_calls: int | None = None
    """Calls of OpenRouter's own tools that were carried out inside the exchange."""
    web_searches: int | None = None
    """Web searches inside the exchange; they may be counted among `server_tool_calls` too, so the two do not add up."""
    citations: int | None = None
    """Sources that the answer cites."""
    output_chunks: int | None = None
    """Events of a streamed answer."""

    input_tokens: int | None = None
    """Includes what was read from and written to the cache."""
    output_tokens: int | None = None
    """Includes reasoning."""
    total_tokens: int | None = None
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_5m_tokens: int | None = None
    """Written to the cache for five minutes; a part of `cache_write_tokens`."""
    cache_write_1h_tokens: int | None = None
    """Written to the cache for an hour; a part of `cache_write_tokens`."""
    reasoning_tokens: int | None = None
    modalities: Modalities | None = None
    search_units: int | None = None
    """What a rerank is billed by."""
    audio_seconds: float | None = None
    """Length of the sound that was transcribed."""

    cost: Decimal | None = None
    """US dollars charged to the account's credits, every digit as stated (`usage.cost`)."""
    cost_source: CostSource | None = None
    """Where the cost is from; `None` when it is unknown."""
    upstream_cost: Decimal | None = None
    """US dollars of the provider's own price (`usage.cost_details.upstream_inference_cost`)."""
    upstream_input_cost: Decimal | None = None
    upstream_output_cost: Decimal | None = None
    server_tool_cost: Decimal | None = None
    """US dollars of OpenRouter's own tools; a part of `cost`."""
    is_byok: bool | None = None
    """Whether the account's own provider key served the call; only then is `upstream_cost` spent beside `cost`."""

    content: bool = False
    """Whether its words are kept, in a record of their own."""
    key_hash: str | None = None
    """SHA-256 of the API key in hex, by which OpenRouter lists its keys; never the key."""
    app_url: str | None = None
    """`HTTP-Referer`, by which OpenRouter tells applications apart."""
    app_title: str | None = None
    """`X-OpenRouter-Title`, or `X-Title`."""
    app_categories: tuple[str, ...] = ()
    user: str | None = None
    session: str | None = None
    tags: dict[str, str] = {}
    trace_name: str | None = None
    """What the request calls its trace (`trace.trace_name`)."""
    span_name: str | None = None
    """What the request calls the span that is to stand between its trace and this call (`trace.span_name`)."""
    generation_name: str | None = None
    """What the request calls this call (`trace.generation_name`)."""
    environment: str | None = None
    """`trace.environment`."""
    release: str | None = None
    """`trace.release`."""
    metadata: dict[str, str] = {}
    """`metadata`, and the further keys of `trace`, as text."""
    request_trace_id: str | None = None
    """The trace that the request says it is of (`trace.trace_id`), as it writes it."""
    request_parent_span_id: str | None = None
    """The span that the request says it is under (`trace.parent_span_id`), as it writes it."""

    trace_id: str | None = None
    """32 hex digits."""
    span_id: str | None = None
    """16 hex digits."""
    parent_span_id: str | None = None
    carried: bool = False
    """Whether it has the ids of another library's span, which carries it."""
    genai_parent_span_id: str | None = None
    """The nearest span above it that is a part of a model's work, an agent or a tool, and travels as a span."""
    beside: str | None = None
    """The library that has an LLM span of its own for the same call, where that one could not carry ours."""
    linked: bool = False
    """Whether the request says in which trace OpenRouter's Broadcast is to put its spans."""
    sampled: bool = True
    """Whether the trace's sampler kept it. Destinations follow that; the ledger does not."""
    destinations: tuple[str, ...] = ()
    """The destinations configured where the call was made."""
    resource: dict[str, Scalar] = {}
    """The OpenTelemetry resource of the process that made the call."""

    @property
    def spent(self) -> Decimal | None:
        """US dollars that left any account; see `spent`."""
        return spent(self.cost, self.upstream_cost, is_byok=self.is_byok)

    @property
    def discount(self) -> Decimal | None:
        """US dollars by which the cost stays below the provider's own price; `None` when it does not, or under BYOK."""
        if self.cost is None or self.upstream_cost is None or self.is_byok or self.cost >= self.upstream_cost:
            return None
        return _EXACT.subtract(self.upstream_cost, self.cost)

    @property
    def input_and_output_cost(self) -> tuple[Decimal, Decimal] | None:
        """US dollars of the input and of the output, where the two add up to the cost exactly; else `None`."""
        parts = self.upstream_input_cost, self.upstream_output_cost
        if self.cost is None or self.is_byok or parts[0] is None or parts[1] is None:
            return None
        return (parts[0], parts[1]) if _EXACT.add(parts[0], parts[1]) == self.cost else None

    @property
    def variant(self) -> str | None:
        """The suffix of the requested model: `free` of `openai/gpt-5:free`."""
        return (self.request_model or "").rpartition("/")[2].partition(":")[2] or None

    @property
    def time_per_output_chunk(self) -> float | None:
        """Nanoseconds between two events of a streamed answer, on average behind the first piece of it."""
        first, last, events = self.time_to_first_token, self.duration, self.output_chunks
        if first is None or last is None or events is None or events < 2:  # noqa: PLR2004 - one event has no gap
            return None
        return (last - first) / (events - 1)

    @property
    def finish_reason(self) -> str | None:
        """The known finish reasons joined by commas, by choice; `None` when none is known."""
        known = [reason for reason in self.finish_reasons or () if reason is not None]
        return ",".join(known) if known else None
