"""The simulator's models and their prices.

The text models' ids, dated slugs, prices and limits are those of recorded model lists of December 2025 and August
2026. The models of other kinds occur in recorded responses, at the prices charged there, or in OpenRouter's
documentation.
"""

from spancast.testing.simulator import native, prices
from spancast.testing.simulator.model import Kind, Model

FREE_MODEL = "openai/gpt-oss-20b:free"

TEXT = (
    Model(
        id="openai/gpt-4o-mini",
        slug="openai/gpt-4o-mini",
        name="OpenAI: GPT-4o-mini",
        provider="OpenAI",
        native=native.CHAT,
        prices=prices.usd("0.00000015", "0.0000006", cache_read="0.000000075"),
        created=1_721_260_800,
        context_length=128_000,
        max_completion_tokens=16_384,
        tokenizer="GPT",
    ),
    Model(
        id="openai/gpt-4o",
        slug="openai/gpt-4o",
        name="OpenAI: GPT-4o",
        provider="OpenAI",
        native=native.CHAT,
        prices=prices.usd("0.0000025", "0.00001", cache_read="0.00000125"),
        created=1_715_558_400,
        context_length=128_000,
        max_completion_tokens=16_384,
        tokenizer="GPT",
    ),
    Model(
        id="openai/gpt-4.1-mini",
        slug="openai/gpt-4.1-mini-2025-04-14",
        name="OpenAI: GPT-4.1 Mini",
        provider="Azure",
        native=native.CHAT,
        prices=prices.usd("0.0000004", "0.0000016", cache_read="0.0000001"),
        created=1_744_651_381,
        context_length=1_047_576,
        max_completion_tokens=32_768,
        tokenizer="GPT",
    ),
    Model(
        id="openai/gpt-5-mini",
        slug="openai/gpt-5-mini-2025-08-07",
        name="OpenAI: GPT-5 Mini",
        provider="OpenAI",
        native=native.RESPONSES,
        prices=prices.usd("0.00000025", "0.000002", cache_read="0.000000025"),
        reasoning="always",
        created=1_754_587_407,
        context_length=400_000,
        max_completion_tokens=128_000,
        tokenizer="GPT",
    ),
    Model(
        id="anthropic/claude-haiku-4.5",
        slug="anthropic/claude-4.5-haiku-20251001",
        name="Anthropic: Claude Haiku 4.5",
        provider="Amazon Bedrock",
        native=native.ANTHROPIC,
        prices=prices.usd(
            "0.000001", "0.000005", cache_read="0.0000001", cache_write="0.00000125", cache_write_1h="0.000002"
        ),
        reasoning="asked",
        created=1_760_547_638,
        context_length=200_000,
        max_completion_tokens=64_000,
        tokenizer="Claude",
    ),
    Model(
        id="anthropic/claude-sonnet-4.5",
        slug="anthropic/claude-4.5-sonnet-20250929",
        name="Anthropic: Claude Sonnet 4.5",
        provider="Anthropic",
        native=native.ANTHROPIC,
        prices=prices.usd(
            "0.000003", "0.000015", cache_read="0.0000003", cache_write="0.00000375", cache_write_1h="0.000006"
        ),
        reasoning="asked",
        created=1_759_161_676,
        context_length=1_000_000,
        max_completion_tokens=64_000,
        tokenizer="Claude",
    ),
    Model(
        id="google/gemini-2.5-flash",
        slug="google/gemini-2.5-flash",
        name="Google: Gemini 2.5 Flash",
        provider="Google AI Studio",
        native=native.GOOGLE,
        prices=prices.usd("0.0000003", "0.0000025", cache_read="0.00000003", cache_write="0.0000003833"),
        reasoning="asked",
        created=1_750_172_488,
        context_length=1_048_576,
        max_completion_tokens=65_535,
        tokenizer="Gemini",
    ),
    Model(
        id="deepseek/deepseek-v3.2",
        slug="deepseek/deepseek-v3.2-20251201",
        name="DeepSeek: DeepSeek V3.2",
        provider="DeepInfra",
        native=native.CHAT,
        prices=prices.usd("0.000000224", "0.00000032"),
        reasoning="asked",
        created=1_764_594_642,
        context_length=163_840,
        max_completion_tokens=None,
        tokenizer="DeepSeek",
    ),
    Model(
        id="deepseek/deepseek-r1-0528",
        slug="deepseek/deepseek-r1-0528",
        name="DeepSeek: R1 0528",
        provider="Novita",
        native=native.CHAT,
        prices=prices.usd("0.0000004", "0.00000175"),
        reasoning="always",
        created=1_748_455_170,
        context_length=163_840,
        max_completion_tokens=163_840,
        tokenizer="DeepSeek",
    ),
    Model(
        id="openai/gpt-oss-120b",
        slug="openai/gpt-oss-120b",
        name="OpenAI: gpt-oss-120b",
        provider="Groq",
        native=native.CHAT,
        prices=prices.usd("0.000000039", "0.00000019"),
        reasoning="asked",
        created=1_754_414_231,
        context_length=131_072,
        max_completion_tokens=None,
        tokenizer="GPT",
    ),
    Model(
        id=FREE_MODEL,
        slug="openai/gpt-oss-20b",
        name="OpenAI: gpt-oss-20b (free)",
        provider="OpenInference",
        native=native.CHAT,
        prices=prices.FREE,
        reasoning="asked",
        created=1_754_414_229,
        context_length=131_072,
        max_completion_tokens=128_000,
        tokenizer="GPT",
    ),
)


def _other(kind: Kind, model_id: str, slug: str, provider: str, cost: prices.Prices) -> Model:
    """Return a model of another kind; the fields that only text models use have placeholder values."""
    return Model(
        id=model_id,
        kind=kind,
        slug=slug,
        name=model_id,
        provider=provider,
        native=native.CHAT,
        prices=cost,
        created=1_767_225_600,
        context_length=8192,
        max_completion_tokens=None,
        tokenizer="Other",
    )


OTHERS = (
    _other("embeddings", "openai/text-embedding-3-small", "text-embedding-3-small", "OpenAI", prices.usd("0.00000002")),
    _other("embeddings", "openai/text-embedding-3-large", "text-embedding-3-large", "OpenAI", prices.usd("0.00000013")),
    _other("rerank", "voyageai/rerank-2.5-lite", "rerank-2.5-lite", "VoyageAI by MongoDB", prices.usd("0.00000002")),
    _other("rerank", "cohere/rerank-v3.5", "rerank-v3.5", "Cohere", prices.usd(unit="0.002")),
    _other(
        "image",
        "google/gemini-3.1-flash-lite-image",
        "google/gemini-3.1-flash-lite-image",
        "Google AI Studio",
        prices.usd("0.00000025", "0.0000015", image="0.00003"),
    ),
    _other("speech", "hexgrad/kokoro-82m", "hexgrad/kokoro-82m", "DeepInfra", prices.usd(unit="0.00000062")),
    _other("transcription", "openai/whisper-1", "openai/whisper-1", "OpenAI", prices.usd(unit="0.0001")),
    _other(
        "transcription",
        "openai/gpt-4o-transcribe",
        "openai/gpt-4o-transcribe",
        "OpenAI",
        prices.usd("0.0000025", "0.00001"),
    ),
    _other("video", "x-ai/grok-imagine-video", "x-ai/grok-imagine-video", "xAI", prices.usd(unit="0.05")),
    _other("decision", "cloudflare/clef-flash", "cloudflare/clef-flash", "Cloudflare", prices.usd("0.00000009")),
)
