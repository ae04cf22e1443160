"""Every attribute name, once. `docs/attributes.md` is this table in prose; a test holds the two together.

GenAI semantic conventions first (open-telemetry/semantic-conventions-genai, their latest names), then the generic
`user.id` and `session.id`, then `openrouter.*` for what OpenRouter alone states and `spancast.*` for what is ours.
No name is a dotted prefix of another: W&B Weave rejects a span on which one is. `gen_ai.usage.*` holds the standard
token counts and the cost and nothing else: platforms turn every other number there into tokens.
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
RESPONSE_ID: Final = "gen_ai.response.id"
RESPONSE_MODEL: Final = "gen_ai.response.model"
FINISH_REASONS: Final = "gen_ai.response.finish_reasons"
TIME_TO_FIRST_CHUNK: Final = "gen_ai.response.time_to_first_chunk"
INPUT_TOKENS: Final = "gen_ai.usage.input_tokens"
OUTPUT_TOKENS: Final = "gen_ai.usage.output_tokens"
CACHED_TOKENS: Final = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE_TOKENS: Final = "gen_ai.usage.cache_write.input_tokens"
REASONING_TOKENS: Final = "gen_ai.usage.reasoning.output_tokens"
COST: Final = "gen_ai.usage.cost"

SERVER_ADDRESS: Final = "server.address"
SERVER_PORT: Final = "server.port"
HTTP_STATUS: Final = "http.response.status_code"
ERROR_TYPE: Final = "error.type"
USER: Final = "user.id"
SESSION: Final = "session.id"

GENERATION_ID: Final = "openrouter.generation.id"
PROVIDER: Final = "openrouter.provider"
REQUEST_MODELS: Final = "openrouter.request.models"
NATIVE_FINISH_REASONS: Final = "openrouter.response.native_finish_reasons"
COST_USD: Final = "openrouter.cost_usd"
UPSTREAM_COST_USD: Final = "openrouter.upstream_cost_usd"
IS_BYOK: Final = "openrouter.is_byok"

CALL_ID: Final = "spancast.call_id"
OUTCOME: Final = "spancast.outcome"
TAG: Final = "spancast.tag."
"""A prefix: the tag's own name follows, its dots written as underscores."""

REASONS: Final = {
    COST: "No convention has landed; what several tools and gateways emit, and platforms read. US dollars, a double.",
    GENERATION_ID: "Names the generation for OpenRouter's own lookups even where the body's `id` is another.",
    PROVIDER: "`gen_ai.provider.name` says whose API answered, which is OpenRouter's; this says who served the call.",
    REQUEST_MODELS: "The conventions know one requested model; OpenRouter takes a list to fall back on.",
    NATIVE_FINISH_REASONS: "The provider's own words, beside the normalised ones that the conventions ask for.",
    COST_USD: "The charge to the last digit, as a decimal string; a double cannot hold it.",
    UPSTREAM_COST_USD: "The provider's own price, a decimal string; it is spent beside the cost only under BYOK.",
    IS_BYOK: "Whether the account's own provider key paid; no convention knows of it.",
    CALL_ID: "The one key by which the span, the ledger and the journal are joined.",
    OUTCOME: "How the exchange ended; the conventions only know whether it failed.",
    TAG: "The application's own tags, given to `spancast.attribute(tags=...)`.",
}
"""Why each name that no convention has is there."""
