"""A Call: everything known of one HTTP exchange with OpenRouter that called a model.

Capture makes it, the journal stores it, the ledger books it and the exporters send it. Unknown is `None`, never zero.
"""

from decimal import Decimal
from typing import Literal

import msgspec

from spancast.base.money import EXACT

Outcome = Literal["completed", "error", "closed", "cancelled", "abandoned", "killed"]
"""How an exchange ended.

`completed`: the answer was read to its end. `error`: OpenRouter, the model or the network failed. `closed`: the
application closed the answer early. `cancelled`: its task was cancelled or interrupted. `abandoned`: the answer was
garbage-collected unread. `killed`: the process died before the end of the answer.
"""

CostSource = Literal["response", "generation", "analytics", "prices"]
"""The source of a cost: the answer, or the poll of its job; OpenRouter's record of the generation; its analytics, or
their export; or an estimate by OpenRouter's price list."""

"""Sums and differences of stated amounts keep every digit."""

Scalar = str | int | float | bool
"""The value of a resource attribute."""


def spent(cost: Decimal | None, upstream_cost: Decimal | None, *, is_byok: bool | None) -> Decimal | None:
    """Return what was spent from all accounts, in US dollars: the cost, and under BYOK the provider's own bill too.

    `None` when one that counts is unknown.
    """
    if cost is None or not is_byok:
        return cost
    return None if upstream_cost is None else EXACT.add(cost, upstream_cost)


class Parameters(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The parameters of a request, as the application wrote them (OpenRouter API, ChatRequest and its siblings)."""

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
    """`n`, the number of choices requested."""
    stop: tuple[str, ...] | None = None
    reasoning_level: str | None = None
    """`reasoning.effort`, `reasoning_effort` or `output_config.effort`."""
    verbosity: str | None = None
    modalities: tuple[str, ...] | None = None
    """The modalities requested of the answer: text, image, audio."""
    response_format: str | None = None
    """`response_format.type` or `text.format.type`: text, json_object, json_schema, ..., or a container such as mp3."""
    dimensions: int | None = None
    """The length of an embedding."""
    encoding_format: str | None = None
    """The encoding of an embedding: float, base64."""
    service_tier: str | None = None
    """The tier requested; the tier that served is billed."""
    tool_count: int | None = None
    """The number of tools offered to the model."""
    tool_choice: str | None = None
    parallel_tool_calls: bool | None = None
    plugins: tuple[str, ...] | None = None
    """The ids of OpenRouter's plugins: web, file-parser, ..."""
    preset: str | None = None
    previous_response_id: str | None = None


class Modalities(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Tokens by modality; each count is a part of the input, of the output or of the cached input."""

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
    """One attempt of OpenRouter at an endpoint."""

    model: str | None
    provider: str | None
    status: int | None


class Routing(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How OpenRouter chose the endpoint; stated only to a request with `X-OpenRouter-Metadata: enabled`."""

    strategy: str | None = None
    """direct, auto, fallback, ..."""
    attempt: int | None = None
    """Which attempt succeeded, from 1."""
    attempts: tuple[Attempt, ...] = ()
    pipeline: tuple[str, ...] = ()
    """The names of the stages that the request passed through: guardrails, plugins."""
    summary: str | None = None


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag="call"):
    """One exchange. While it is in progress `outcome` is `None`, and only the fields of its request are known."""

    call_id: str
    """Random, 32 hex digits, minted when the exchange opens: the only unique key anywhere."""
    operation: str
    """What was requested: chat, completion, responses, message, embeddings, rerank, image, speech, transcription,
    video, batch, decision; or unknown."""
    started_at: int
    """Unix time in nanoseconds at which the request was passed to the client library."""
    outcome: Outcome | None = None

    server_address: str | None = None
    server_port: int | None = None
    http_status: int | None = None
    error_type: str | None = None
    """Not `None` exactly if the exchange failed: OpenRouter's stable `error_type`, else its error code, else the
    HTTP status, else the name of the exception."""
    error_message: str | None = None
    """The first 128 characters of OpenRouter's own message, secrets removed."""
    error_provider: str | None = None
    """The provider that failed, as the error states it."""
    previous_errors: tuple[str, ...] = ()
    """The codes of the failures at OpenRouter before this one, oldest first."""
    retry_after: float | None = None
    """Seconds to wait before the next attempt, as OpenRouter requests."""
    attempt_of: str | None = None
    """The `call_id` of the first attempt, where a client library retries a request."""
    retry: int | None = None
    """The number of the retry, from 1; 0 or `None` for the first attempt."""

    duration: int | None = None
    """Nanoseconds from the start to the end of the answer."""
    time_to_headers: int | None = None
    """Nanoseconds from the start to the status line and headers."""
    time_to_first_token: int | None = None
    """Nanoseconds from the start to the first piece of output; padding and comments do not count."""

    streamed: bool = False
    """Whether the application requested a stream, or received one."""
    request_model: str | None = None
    request_models: tuple[str, ...] = ()
    """The fallback list: `models`, or those of `fallbacks`."""
    parameters: Parameters | None = None

    generation_id: str | None = None
    """`X-Generation-Id`, else the body's `id` as written. It is OpenRouter's id and no unique key: see `call_id`."""
    response_id: str | None = None
    """The body's `id` as written."""
    response_model: str | None = None
    provider: str | None = None
    """The provider that served the call, by its display name (`Amazon Bedrock`)."""
    finish_reasons: tuple[str | None, ...] | None = None
    """As OpenRouter normalises them, in the order of the choices."""
    native_finish_reasons: tuple[str | None, ...] | None = None
    status: str | None = None
    """The status of a Responses object or a job: completed, incomplete, failed, pending, ..."""
    service_tier: str | None = None
    """The tier that served, which is billed."""
    region: str | None = None
    """Where it was served, by OpenRouter's routing metadata or the regional host."""
    request_id: str | None = None
    """OpenRouter's id of the API request, which groups the generations of one request."""
    cache_hit: bool | None = None
    """Whether OpenRouter's response cache answered, free of charge; `None` where the cache was not used."""
    routing: Routing | None = None
    tool_calls: int | None = None
    """Function calls that the model requests of the application."""
    server_tool_calls: int | None = None
    """Calls of OpenRouter's own tools, executed within the exchange."""
    web_searches: int | None = None
    """Web searches within the exchange; `server_tool_calls` may include them, so do not add the two."""
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
    """The units in which a rerank is billed."""
    audio_seconds: float | None = None
    """Length of the audio that was transcribed."""

    cost: Decimal | None = None
    """US dollars charged to the account's credits, every digit as stated (`usage.cost`)."""
    cost_source: CostSource | None = None
    """The source of the cost; `None` when it is unknown."""
    upstream_cost: Decimal | None = None
    """US dollars of the provider's own price (`usage.cost_details.upstream_inference_cost`)."""
    upstream_input_cost: Decimal | None = None
    upstream_output_cost: Decimal | None = None
    server_tool_cost: Decimal | None = None
    """US dollars of OpenRouter's own tools; a part of `cost`."""
    is_byok: bool | None = None
    """Whether the account's own provider key served the call; only then is `upstream_cost` spent besides `cost`."""

    content: bool = False
    """Whether its content is stored, in a record of its own."""
    key_hash: str | None = None
    """SHA-256 of the API key in hex, as OpenRouter lists its keys; never the key."""
    app_url: str | None = None
    """`HTTP-Referer`, by which OpenRouter distinguishes applications."""
    app_title: str | None = None
    """`X-OpenRouter-Title`, or `X-Title`."""
    app_categories: tuple[str, ...] = ()
    user: str | None = None
    session: str | None = None
    tags: dict[str, str] = {}
    trace_name: str | None = None
    """The name that the request gives its trace (`trace.trace_name`)."""
    span_name: str | None = None
    """The name of the span that the request puts between its trace and this call (`trace.span_name`)."""
    generation_name: str | None = None
    """The name that the request gives this call (`trace.generation_name`)."""
    environment: str | None = None
    """`trace.environment`."""
    release: str | None = None
    """`trace.release`."""
    metadata: dict[str, str] = {}
    """`metadata`, and the further keys of `trace`, as text."""
    request_trace_id: str | None = None
    """The trace that the request names (`trace.trace_id`), as written."""
    request_parent_span_id: str | None = None
    """The parent span that the request names (`trace.parent_span_id`), as written."""

    trace_id: str | None = None
    """32 hex digits."""
    span_id: str | None = None
    """16 hex digits."""
    parent_span_id: str | None = None
    carried: bool = False
    """Whether another library's span carries the call, whose ids it then has."""
    genai_parent_span_id: str | None = None
    """The nearest GenAI span above it, such as an agent or a tool, that is sent to destinations."""
    beside: str | None = None
    """The library with an LLM span of its own for the same call, where that span could not carry the call."""
    linked: bool = False
    """Whether the request states the trace for the spans of OpenRouter's Broadcast."""
    sampled: bool = True
    """Whether the trace is sampled. Destinations are sent sampled calls only; the ledger books all."""
    destinations: tuple[str, ...] = ()
    """The destinations configured in the process that made the call."""
    resource: dict[str, Scalar] = {}
    """The OpenTelemetry resource of the process that made the call."""

    @property
    def spent(self) -> Decimal | None:
        """US dollars spent from all accounts; see `spent`."""
        return spent(self.cost, self.upstream_cost, is_byok=self.is_byok)

    @property
    def discount(self) -> Decimal | None:
        """US dollars by which the cost is below the provider's own price; `None` where it is not, or under BYOK."""
        if self.cost is None or self.upstream_cost is None or self.is_byok or self.cost >= self.upstream_cost:
            return None
        return EXACT.subtract(self.upstream_cost, self.cost)

    @property
    def input_and_output_cost(self) -> tuple[Decimal, Decimal] | None:
        """US dollars of the input and of the output, if they add up to the cost exactly; else `None`."""
        parts = self.upstream_input_cost, self.upstream_output_cost
        if self.cost is None or self.is_byok or parts[0] is None or parts[1] is None:
            return None
        return (parts[0], parts[1]) if EXACT.add(parts[0], parts[1]) == self.cost else None

    @property
    def variant(self) -> str | None:
        """The suffix of the requested model: `free` of `openai/gpt-5:free`."""
        return (self.request_model or "").rpartition("/")[2].partition(":")[2] or None

    @property
    def time_per_output_chunk(self) -> float | None:
        """Average nanoseconds between two events of a streamed answer, from its first output on."""
        first, last, events = self.time_to_first_token, self.duration, self.output_chunks
        if first is None or last is None or events is None or events < 2:  # noqa: PLR2004 - one event has no gap
            return None
        return (last - first) / (events - 1)

    @property
    def finish_reason(self) -> str | None:
        """The known finish reasons joined by commas, by choice; `None` when none is known."""
        known = [reason for reason in self.finish_reasons or () if reason is not None]
        return ",".join(known) if known else None
