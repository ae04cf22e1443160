"""The attributes of a Call, the same for its live span and for the span that is exported later."""

from collections.abc import Iterator, Mapping
from itertools import islice
from operator import attrgetter
from typing import TYPE_CHECKING

from spancast.base.money import plain
from spancast.contract import Attribute
from spancast.records.call import Call, Parameters, Routing
from spancast.records.content import Content
from spancast.semconv import names
from spancast.spans.broadcast_ids import broadcast_ids

if TYPE_CHECKING:
    from decimal import Decimal

PROVIDER = "openrouter"
"""`gen_ai.provider.name`, the API. The conventions define no value for a gateway, and allow custom values."""

OPERATIONS = {
    "chat": "chat",
    "completion": "text_completion",
    "responses": "chat",
    "message": "chat",
    "embeddings": "embeddings",
    "rerank": "rerank",
    "image": "generate_content",
    "speech": "generate_content",
    "transcription": "generate_content",
    "video": "generate_content",
    "batch": "batch",
    "decision": "decision",
    "unknown": "unknown",
}
"""`gen_ai.operation.name` of each operation: a well-known value where one fits, else our own name."""

OUTPUT_TYPES = {"image": "image", "speech": "speech", "video": "video", "transcription": "text"}
"""`gen_ai.output.type` of the operations that have a single output type."""

MAX_ATTRIBUTES = 128
"""Attributes that a span holds by default (OpenTelemetry, span limits)."""
RESERVED_ATTRIBUTES = 16
"""Of these, the number reserved for content and for the application's own processors; tags and metadata give way."""

Attributes = dict[str, Attribute]


def request_attributes(call: Call) -> Attributes:
    """Return the attributes that are known before the response; samplers see them."""
    found: dict[str, Attribute | None] = {
        names.OPERATION: OPERATIONS.get(call.operation, call.operation),
        names.GENAI_PROVIDER: PROVIDER,
        names.REQUEST_MODEL: call.request_model,
        names.SERVER_ADDRESS: call.server_address,
        names.SERVER_PORT: call.server_port,
        names.USER: call.user,
        names.SESSION: call.session,
        names.CALL_ID: call.call_id,
    }
    return {name: value for name, value in found.items() if value is not None}


def response_attributes(call: Call) -> Attributes:
    """Return the attributes that the response and its end add."""
    found = CALL_FIELDS.attributes_of(call)
    found.update(_derived(call))
    found.update(_cost(call))
    if call.streamed:
        found[names.STREAM] = True
    if call.finish_reasons is not None:
        found[names.FINISH_REASONS] = _finish_reasons(call.finish_reasons)
    if call.native_finish_reasons is not None:
        found[names.NATIVE_FINISH_REASONS] = tuple(reason or "" for reason in call.native_finish_reasons)
    if call.parameters is not None:
        found.update(_parameters(call.parameters))
    if call.modalities is not None:
        found.update((name, count) for name, count in MODALITY_FIELDS.attributes_of(call.modalities).items() if count)
    if call.routing is not None:
        found.update(_routing(call.routing))
    if call.generation_id is not None and not call.linked:
        trace_id, span_id = broadcast_ids(call.generation_id)
        found |= {names.BROADCAST_TRACE_ID: trace_id, names.BROADCAST_SPAN_ID: span_id}
    output = OUTPUT_TYPES.get(call.operation) or _output_type(call)
    if output is not None:
        found[names.OUTPUT_TYPE] = output
    if call.tags or call.metadata:
        room = MAX_ATTRIBUTES - RESERVED_ATTRIBUTES - len(request_attributes(call)) - len(found)
        own = _prefixed(names.TAG, call.tags) | _prefixed(names.METADATA, call.metadata)
        found.update(islice(own.items(), max(0, room)))
    return found


def _prefixed(prefix: str, pairs: Mapping[str, str]) -> Attributes:
    return {prefix + key.replace(".", "_"): value for key, value in pairs.items()}


def content_attributes(content: Content) -> dict[str, str]:
    """Return the content of a call, each attribute as JSON text."""
    found = {name: getattr(content, field) for name, field in _CONTENT.items()}
    return {name: value for name, value in found.items() if value is not None}


_CONTENT = {
    names.INPUT_MESSAGES: "input_messages",
    names.OUTPUT_MESSAGES: "output_messages",
    names.SYSTEM_INSTRUCTIONS: "system_instructions",
    names.TOOL_DEFINITIONS: "tool_definitions",
    names.ERROR_CONTENT: "error",
}


def span_name(call: Call) -> str:
    """Return the span's name in the form of the conventions, such as `chat openai/gpt-5`."""
    operation = OPERATIONS.get(call.operation, call.operation)
    return f"{operation} {call.request_model}" if call.request_model else operation


class _Table:
    """Attributes whose values are fields of a struct, unchanged.

    One `attrgetter` reads all fields: reading them one by one was the largest cost of a call in the application's
    thread.
    """

    def __init__(self, fields: Mapping[str, str]) -> None:
        """Map attribute names to field names."""
        self._names = tuple(fields)
        self._fields = tuple(fields.values())
        self._read = attrgetter(*self._fields)

    def attributes_of(self, group: object) -> Attributes:
        """Return the attributes whose fields are known."""
        return {
            name: value
            for name, value in zip(self._names, self._read(group), strict=True)
            if value is not None and value != ()
        }

    def fields_of(self, attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
        """Return the fields that attributes state, by field name."""
        pairs = zip(self._fields, self._names, strict=True)
        return {field: attributes[name] for field, name in pairs if name in attributes}


CALL_FIELDS = _Table(
    {
        names.REQUEST_MODELS: "request_models",
        names.VARIANT: "variant",
        names.RESPONSE_MODEL: "response_model",
        names.INPUT_TOKENS: "input_tokens",
        names.OUTPUT_TOKENS: "output_tokens",
        names.CACHED_TOKENS: "cached_tokens",
        names.CACHE_WRITE_TOKENS: "cache_write_tokens",
        names.CACHE_WRITE_5M_TOKENS: "cache_write_5m_tokens",
        names.CACHE_WRITE_1H_TOKENS: "cache_write_1h_tokens",
        names.REASONING_TOKENS: "reasoning_tokens",
        names.SEARCH_UNITS: "search_units",
        names.AUDIO_SECONDS: "audio_seconds",
        names.COST_SOURCE: "cost_source",
        names.IS_BYOK: "is_byok",
        names.HTTP_STATUS: "http_status",
        names.RESEND_COUNT: "retry",
        names.ATTEMPT_OF: "attempt_of",
        names.BESIDE: "beside",
        names.ERROR_TYPE: "error_type",
        names.ERROR_PROVIDER: "error_provider",
        names.PREVIOUS_ERRORS: "previous_errors",
        names.RETRY_AFTER: "retry_after",
        names.GENERATION_ID: "generation_id",
        names.REQUEST_ID: "request_id",
        names.PROVIDER: "provider",
        names.STATUS: "status",
        names.SERVICE_TIER: "service_tier",
        names.REGION: "region",
        names.CACHE_HIT: "cache_hit",
        names.TOOL_CALLS: "tool_calls",
        names.SERVER_TOOL_CALLS: "server_tool_calls",
        names.WEB_SEARCHES: "web_searches",
        names.CITATIONS: "citations",
        names.OUTPUT_CHUNKS: "output_chunks",
        names.KEY_HASH: "key_hash",
        names.APP_URL: "app_url",
        names.APP_TITLE: "app_title",
        names.APP_CATEGORIES: "app_categories",
        names.TRACE_ID: "request_trace_id",
        names.PARENT_SPAN_ID: "request_parent_span_id",
        names.TRACE_NAME: "trace_name",
        names.SPAN_NAME: "span_name",
        names.GENERATION_NAME: "generation_name",
        names.ENVIRONMENT: "environment",
        names.RELEASE: "release",
        names.OUTCOME: "outcome",
    }
)

PARAMETER_FIELDS = _Table(
    {
        names.MAX_TOKENS: "max_tokens",
        names.TEMPERATURE: "temperature",
        names.TOP_P: "top_p",
        names.TOP_K: "top_k",
        names.MIN_P: "min_p",
        names.TOP_A: "top_a",
        names.FREQUENCY_PENALTY: "frequency_penalty",
        names.PRESENCE_PENALTY: "presence_penalty",
        names.REPETITION_PENALTY: "repetition_penalty",
        names.SEED: "seed",
        names.STOP: "stop",
        names.REASONING_LEVEL: "reasoning_level",
        names.VERBOSITY: "verbosity",
        names.MODALITIES: "modalities",
        names.RESPONSE_FORMAT: "response_format",
        names.DIMENSIONS: "dimensions",
        names.REQUEST_SERVICE_TIER: "service_tier",
        names.TOOL_COUNT: "tool_count",
        names.TOOL_CHOICE: "tool_choice",
        names.PARALLEL_TOOL_CALLS: "parallel_tool_calls",
        names.PLUGINS: "plugins",
        names.PRESET: "preset",
        names.PREVIOUS_RESPONSE_ID: "previous_response_id",
    }
)

MODALITY_FIELDS = _Table(
    {
        names.TEXT_INPUT: "text_input",
        names.IMAGE_INPUT: "image_input",
        names.AUDIO_INPUT: "audio_input",
        names.VIDEO_INPUT: "video_input",
        names.FILE_INPUT: "file_input",
        names.TEXT_OUTPUT: "text_output",
        names.IMAGE_OUTPUT: "image_output",
        names.AUDIO_OUTPUT: "audio_output",
        names.ACCEPTED_PREDICTION: "accepted_prediction",
        names.REJECTED_PREDICTION: "rejected_prediction",
    }
)


def _derived(call: Call) -> Iterator[tuple[str, Attribute]]:
    response_id = call.response_id or call.generation_id
    if response_id is not None:
        yield names.RESPONSE_ID, response_id
    times = (
        (names.TIME_TO_HEADERS, call.time_to_headers),
        (names.TIME_TO_FIRST_CHUNK, call.time_to_first_token),
        (names.TIME_PER_OUTPUT_CHUNK, call.time_per_output_chunk),
    )
    yield from ((name, nanoseconds / 1e9) for name, nanoseconds in times if nanoseconds is not None)


def _parameters(parameters: Parameters) -> Attributes:
    found = PARAMETER_FIELDS.attributes_of(parameters)
    if parameters.choice_count is not None and parameters.choice_count != 1:
        found[names.CHOICE_COUNT] = parameters.choice_count
    if parameters.encoding_format is not None:
        found[names.ENCODING_FORMATS] = (parameters.encoding_format,)
    return found


def _cost(call: Call) -> Iterator[tuple[str, Attribute]]:
    if call.cost is not None:
        yield names.COST, float(call.cost)
    parts = call.input_and_output_cost or (None, None)
    amounts: tuple[tuple[str, Decimal | None], ...] = (
        (names.COST_USD, call.cost),
        (names.SPENT_USD, call.spent if call.is_byok else None),
        (names.DISCOUNT_USD, call.discount),
        (names.INPUT_COST_USD, parts[0]),
        (names.OUTPUT_COST_USD, parts[1]),
        (names.UPSTREAM_COST_USD, call.upstream_cost),
        (names.UPSTREAM_INPUT_COST_USD, call.upstream_input_cost if parts[0] is None else None),
        (names.UPSTREAM_OUTPUT_COST_USD, call.upstream_output_cost if parts[1] is None else None),
        (names.SERVER_TOOL_COST_USD, call.server_tool_cost),
    )
    yield from ((name, plain(amount)) for name, amount in amounts if amount is not None)


def _routing(routing: Routing) -> Iterator[tuple[str, Attribute]]:
    attempts = tuple(f"{each.model or '-'} {each.provider or '-'} {each.status or '-'}" for each in routing.attempts)
    found: tuple[tuple[str, Attribute | None], ...] = (
        (names.ROUTING_STRATEGY, routing.strategy),
        (names.ROUTING_ATTEMPT, routing.attempt),
        (names.ROUTING_ATTEMPTS, attempts or None),
        (names.ROUTING_PIPELINE, routing.pipeline or None),
        (names.ROUTING_SUMMARY, routing.summary),
    )
    yield from ((name, value) for name, value in found if value is not None)


def _output_type(call: Call) -> str | None:
    """Return `json` where it was requested; other responses may have several output types."""
    requested = call.parameters and call.parameters.response_format
    return "json" if requested in ("json_object", "json_schema") else None


def _finish_reasons(reasons: tuple[str | None, ...]) -> Attribute:
    """Return one reason per choice; the conventions ask for `error` where a choice has none."""
    return tuple(reason or "error" for reason in reasons)
