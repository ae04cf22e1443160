"""Every attribute name, once. `docs/attributes.md` is this table in prose; a test compares the two.

GenAI semantic conventions first (open-telemetry/semantic-conventions-genai, their latest names), then the generic
`user.id` and `session.id`, then `openrouter.*` for what OpenRouter alone states and `spancast.*` for our own.
No name is a dotted prefix of another: W&B Weave rejects a span on which one is. `gen_ai.usage.*` holds the standard
token counts and the cost and nothing else: platforms take every other number there for tokens.
"""

from typing import Final

OPERATION: Final = "gen_ai.operation.name"
GENAI_PROVIDER: Final = "gen_ai.provider.name"
REQUEST_MODEL: Final = "gen_ai.request.model"
STREAM: Final = "gen_ai.request.stream"
MAX_TOKENS: Final = "gen_ai.request.max_tokens"
TEMPERATURE: Final = "gen_ai.request.temperature"
TOP_P: Final = "gen_ai.request.top_p"
TOP_K: Final = "gen_ai.request.top_k"
FREQUENCY_PENALTY: Final = "gen_ai.request.frequency_penalty"
PRESENCE_PENALTY: Final = "gen_ai.request.presence_penalty"
SEED: Final = "gen_ai.request.seed"
CHOICE_COUNT: Final = "gen_ai.request.choice.count"
STOP: Final = "gen_ai.request.stop_sequences"
REASONING_LEVEL: Final = "gen_ai.request.reasoning.level"
ENCODING_FORMATS: Final = "gen_ai.request.encoding_formats"
PREVIOUS_RESPONSE_ID: Final = "gen_ai.request.previous_response.id"
DIMENSIONS: Final = "gen_ai.embeddings.dimension.count"
OUTPUT_TYPE: Final = "gen_ai.output.type"
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
INPUT_MESSAGES: Final = "gen_ai.input.messages"
OUTPUT_MESSAGES: Final = "gen_ai.output.messages"
SYSTEM_INSTRUCTIONS: Final = "gen_ai.system_instructions"
TOOL_DEFINITIONS: Final = "gen_ai.tool.definitions"
TEXT_INPUT: Final = "gen_ai.usage.text.input_tokens"
IMAGE_INPUT: Final = "gen_ai.usage.image.input_tokens"
AUDIO_INPUT: Final = "gen_ai.usage.audio.input_tokens"
TEXT_OUTPUT: Final = "gen_ai.usage.text.output_tokens"
IMAGE_OUTPUT: Final = "gen_ai.usage.image.output_tokens"
AUDIO_OUTPUT: Final = "gen_ai.usage.audio.output_tokens"
COST: Final = "gen_ai.usage.cost"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
HTTP_STATUS: Final = "http.response.status_code"
RESEND_COUNT: Final = "http.request.resend_count"
ERROR_TYPE: Final = "error.type"
USER: Final = "user.id"
SESSION: Final = "session.id"

GENERATION_ID: Final = "openrouter.generation.id"
PROVIDER: Final = "openrouter.provider"
REQUEST_ID: Final = "openrouter.request_id"
REQUEST_MODELS: Final = "openrouter.request.models"
VARIANT: Final = "openrouter.request.variant"
PRESET: Final = "openrouter.request.preset"
PLUGINS: Final = "openrouter.request.plugins"
REQUEST_SERVICE_TIER: Final = "openrouter.request.service_tier"
MIN_P: Final = "openrouter.request.min_p"
TOP_A: Final = "openrouter.request.top_a"
REPETITION_PENALTY: Final = "openrouter.request.repetition_penalty"
VERBOSITY: Final = "openrouter.request.verbosity"
MODALITIES: Final = "openrouter.request.modalities"
RESPONSE_FORMAT: Final = "openrouter.request.response_format"
TOOL_COUNT: Final = "openrouter.request.tool_count"
TOOL_CHOICE: Final = "openrouter.request.tool_choice"
PARALLEL_TOOL_CALLS: Final = "openrouter.request.parallel_tool_calls"
NATIVE_FINISH_REASONS: Final = "openrouter.response.native_finish_reasons"
STATUS: Final = "openrouter.response.status"
TOOL_CALLS: Final = "openrouter.response.tool_calls"
CITATIONS: Final = "openrouter.response.citations"
OUTPUT_CHUNKS: Final = "openrouter.response.chunks"
SERVER_TOOL_CALLS: Final = "openrouter.server_tool_calls"
WEB_SEARCHES: Final = "openrouter.web_searches"
SERVICE_TIER: Final = "openrouter.service_tier"
REGION: Final = "openrouter.region"
CACHE_HIT: Final = "openrouter.cache_hit"
ROUTING_STRATEGY: Final = "openrouter.routing.strategy"
ROUTING_ATTEMPT: Final = "openrouter.routing.attempt"
ROUTING_ATTEMPTS: Final = "openrouter.routing.attempts"
ROUTING_PIPELINE: Final = "openrouter.routing.pipeline"
ROUTING_SUMMARY: Final = "openrouter.routing.summary"
ERROR_PROVIDER: Final = "openrouter.error.provider"
PREVIOUS_ERRORS: Final = "openrouter.error.previous"
ERROR_CONTENT: Final = "openrouter.error.content"
RETRY_AFTER: Final = "openrouter.error.retry_after"
COST_USD: Final = "openrouter.cost_usd"
COST_SOURCE: Final = "openrouter.cost_source"
SPENT_USD: Final = "openrouter.spent_usd"
DISCOUNT_USD: Final = "openrouter.discount_usd"
INPUT_COST_USD: Final = "openrouter.input_cost_usd"
OUTPUT_COST_USD: Final = "openrouter.output_cost_usd"
UPSTREAM_COST_USD: Final = "openrouter.upstream_cost_usd"
UPSTREAM_INPUT_COST_USD: Final = "openrouter.upstream_input_cost_usd"
UPSTREAM_OUTPUT_COST_USD: Final = "openrouter.upstream_output_cost_usd"
SERVER_TOOL_COST_USD: Final = "openrouter.server_tool_cost_usd"
IS_BYOK: Final = "openrouter.is_byok"
CACHE_WRITE_5M_TOKENS: Final = "openrouter.tokens.cache_write_5m"
CACHE_WRITE_1H_TOKENS: Final = "openrouter.tokens.cache_write_1h"
VIDEO_INPUT: Final = "openrouter.tokens.video_input"
FILE_INPUT: Final = "openrouter.tokens.file_input"
ACCEPTED_PREDICTION: Final = "openrouter.tokens.accepted_prediction"
REJECTED_PREDICTION: Final = "openrouter.tokens.rejected_prediction"
SEARCH_UNITS: Final = "openrouter.search_units"
AUDIO_SECONDS: Final = "openrouter.audio_seconds"
KEY_HASH: Final = "openrouter.key_hash"
APP_URL: Final = "openrouter.app.url"
APP_TITLE: Final = "openrouter.app.title"
APP_CATEGORIES: Final = "openrouter.app.categories"
TRACE_ID: Final = "openrouter.trace.trace_id"
PARENT_SPAN_ID: Final = "openrouter.trace.parent_span_id"
TRACE_NAME: Final = "openrouter.trace.trace_name"
SPAN_NAME: Final = "openrouter.trace.span_name"
GENERATION_NAME: Final = "openrouter.trace.generation_name"
ENVIRONMENT: Final = "openrouter.trace.environment"
RELEASE: Final = "openrouter.trace.release"
BROADCAST_TRACE_ID: Final = "openrouter.broadcast.trace_id"
BROADCAST_SPAN_ID: Final = "openrouter.broadcast.span_id"

CALL_ID: Final = "spancast.call_id"
OUTCOME: Final = "spancast.outcome"
ATTEMPT_OF: Final = "spancast.attempt_of"
BESIDE: Final = "spancast.beside"
TIME_TO_HEADERS: Final = "spancast.time_to_headers"
TIME_PER_OUTPUT_CHUNK: Final = "spancast.time_per_output_chunk"
TAG: Final = "spancast.tag."
"""A prefix of the tag's own name, with its dots replaced by underscores."""
METADATA: Final = "spancast.metadata."
"""A prefix of the key, with its dots replaced by underscores."""

REASONS: Final = {
    COST: "No convention has landed; what several tools and gateways emit, and platforms read. US dollars, a double.",
    GENERATION_ID: "Names the generation for OpenRouter's own lookups even where the body's `id` is another.",
    PROVIDER: "`gen_ai.provider.name` is the API, which is OpenRouter's; this is the provider that served the call.",
    REQUEST_ID: "Groups what one API request generated, in OpenRouter's own records.",
    REQUEST_MODELS: "The conventions know one requested model; OpenRouter takes a list to fall back on.",
    VARIANT: "The suffix of the requested model, such as `free` or `nitro`: another price, another route.",
    PRESET: "A preset of OpenRouter's sets the model and parameters; this is its name.",
    PLUGINS: "Plugins are OpenRouter's own, and billed beside the model.",
    REQUEST_SERVICE_TIER: "The convention's name is defined for OpenAI's own API alone.",
    MIN_P: "A sampling parameter that the conventions do not name.",
    TOP_A: "A sampling parameter that the conventions do not name.",
    REPETITION_PENALTY: "A sampling parameter that the conventions do not name.",
    VERBOSITY: "A parameter that the conventions do not name.",
    MODALITIES: "`gen_ai.output.type` is one value; a request may ask for several.",
    RESPONSE_FORMAT: "The exact format; `gen_ai.output.type` states only `json`.",
    TOOL_COUNT: "The number of tools offered, without their definitions, which are content.",
    TOOL_CHOICE: "A parameter that the conventions do not name.",
    PARALLEL_TOOL_CALLS: "A parameter that the conventions do not name.",
    NATIVE_FINISH_REASONS: "The provider's own reasons, beside the normalised ones that the conventions ask for.",
    STATUS: "The status of a Responses object or a job; no finish reason expresses pending or incomplete.",
    TOOL_CALLS: "The number of function calls the model requests, without their arguments, which are content.",
    CITATIONS: "The number of sources the response cites.",
    OUTPUT_CHUNKS: "The number of events of a streamed response.",
    SERVER_TOOL_CALLS: "OpenRouter's own tools run inside the call and are billed with it.",
    WEB_SEARCHES: "Billed with the call; they may be among the server tool calls too.",
    SERVICE_TIER: "The tier that served and is billed; the convention's name is defined for OpenAI's own API alone.",
    REGION: "The region in which OpenRouter served the call.",
    CACHE_HIT: "Whether OpenRouter's response cache answered, at no charge.",
    ROUTING_STRATEGY: "How OpenRouter chose; stated when the application requests routing metadata.",
    ROUTING_ATTEMPT: "Which of OpenRouter's own attempts succeeded.",
    ROUTING_ATTEMPTS: "OpenRouter's own attempts, each as `model provider status`.",
    ROUTING_PIPELINE: "The guardrails and plugins that the request passed.",
    ROUTING_SUMMARY: "OpenRouter's own summary of its choice.",
    ERROR_PROVIDER: "The provider that failed; `openrouter.provider` is the one that served.",
    PREVIOUS_ERRORS: "The codes of the failures that OpenRouter had before it gave up.",
    ERROR_CONTENT: "What an error quotes of the request or the provider, which is content and stored only as such.",
    RETRY_AFTER: "Seconds that OpenRouter asks to wait.",
    COST_USD: "The charge to the last digit, as a decimal string; a double cannot hold it.",
    COST_SOURCE: "Whether the cost was in the answer, came late from OpenRouter's record, or is an estimate by prices.",
    SPENT_USD: "The total spent under BYOK: the charge, and the provider's own bill beside it.",
    DISCOUNT_USD: "By how much the charge stays below the provider's own price.",
    INPUT_COST_USD: "The part of the charge for the input; present only where both parts add up to it.",
    OUTPUT_COST_USD: "The part of the charge for the output; present only where both parts add up to it.",
    UPSTREAM_COST_USD: "The provider's own price, a decimal string; it is spent beside the cost only under BYOK.",
    UPSTREAM_INPUT_COST_USD: "The part of the provider's own price for the input, where it is not the charge's own.",
    UPSTREAM_OUTPUT_COST_USD: "The part of the provider's own price for the output, where it is not the charge's own.",
    SERVER_TOOL_COST_USD: "The part of the charge for OpenRouter's own tools.",
    IS_BYOK: "Whether the account's own provider key paid; no convention knows of it.",
    CACHE_WRITE_5M_TOKENS: "Cache writes are billed by their time to live; the conventions have one count for all.",
    CACHE_WRITE_1H_TOKENS: "Cache writes are billed by their time to live; the conventions have one count for all.",
    VIDEO_INPUT: "The conventions name text, image and audio tokens alone.",
    FILE_INPUT: "The conventions name text, image and audio tokens alone.",
    ACCEPTED_PREDICTION: "Predicted output that was accepted; the conventions do not name it.",
    REJECTED_PREDICTION: "Predicted output that was billed but rejected; the conventions do not name it.",
    SEARCH_UNITS: "The unit by which a rerank is billed, which is no token.",
    AUDIO_SECONDS: "The unit by which a transcription may be billed, which is no token.",
    KEY_HASH: "The API key that was used, by the hash under which OpenRouter lists it; never the key.",
    APP_URL: "The URL by which OpenRouter identifies applications (`HTTP-Referer`).",
    APP_TITLE: "The name under which OpenRouter shows the application (`X-OpenRouter-Title`).",
    APP_CATEGORIES: "The application's categories, as it states them (`X-OpenRouter-Categories`).",
    TRACE_ID: "The trace that the request states for itself, unchanged; `docs/destinations.md` describes its effect.",
    PARENT_SPAN_ID: "The parent span that the request states for itself, unchanged.",
    TRACE_NAME: "The name that the request gives its trace; the conventions have no name for a trace.",
    SPAN_NAME: "The name that the request gives the span between its trace and the call.",
    GENERATION_NAME: "The name that the request gives the call; destinations show it as the name of the span.",
    ENVIRONMENT: "Of the request; the convention's `deployment.environment.name` is the process's.",
    RELEASE: "Of the request; the convention's `service.version` is the process's.",
    BROADCAST_TRACE_ID: "The trace that OpenRouter's own span of the call has at a destination of its Broadcast.",
    BROADCAST_SPAN_ID: "The id of OpenRouter's own span of the call there, so that the two are not counted twice.",
    CALL_ID: "The key that joins the span, the ledger and the journal.",
    OUTCOME: "How the exchange ended; the conventions only know whether it failed.",
    ATTEMPT_OF: "The call id of the first attempt, when a client library retries a request.",
    BESIDE: "The library whose LLM span of the same call could not carry these attributes: do not count both.",
    TIME_TO_HEADERS: "Seconds to the status line; the conventions define the time to the first chunk alone.",
    TIME_PER_OUTPUT_CHUNK: "Average seconds between two events of a streamed response.",
    TAG: "The application's own tags, given to `spancast.attribute(tags=...)`.",
    METADATA: "The request's own metadata and, at a destination, what the destination adds.",
}
"""Why we need each name that is not in a convention."""
