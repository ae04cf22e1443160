"""The models that the simulator has, their prices, and how OpenRouter lists them (`GET /api/v1/models`).

Ids, dated slugs, prices and limits are those of recorded model lists of December 2025 and August 2026.
"""

from decimal import Decimal
from typing import Any, Literal

import msgspec

from spancast.testing.simulator import errors, native

VARIANTS = ("free", "nitro", "floor", "online", "thinking", "exacto", "extended")
"""Suffixes that any model may carry; only `:free` changes the price, and stays in the model that answers."""

FAULTS_MODEL = "simulator/"
_AUTO = "anthropic/claude-haiku-4.5"
_FREE = "openai/gpt-oss-20b:free"
_ROUTES = {"openrouter/auto": _AUTO, "openrouter/free": _FREE}
"""The routers, and what they pick."""
_DYNAMIC = "-1"
"""A router's price: that of the model it picks."""


class Prices(msgspec.Struct, frozen=True):
    """USD a token."""

    prompt: Decimal
    completion: Decimal
    cache_read: Decimal | None = None
    """`None`: nothing is read from a cache."""
    cache_write: Decimal | None = None
    """`None`: writing to the cache costs what the prompt costs, and is not counted."""


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """One model and the provider that serves it."""

    id: str
    slug: str
    """The dated slug that comes back as `model`."""
    name: str
    provider: str
    native: native.Native
    prices: Prices
    reasoning: Literal["always", "asked", "never"] = "never"
    created: int
    context_length: int
    longest_answer: int | None
    tokenizer: str


def _usd(prompt: str, completion: str, cache_read: str | None = None, cache_write: str | None = None) -> Prices:
    read, write = (None if price is None else Decimal(price) for price in (cache_read, cache_write))
    return Prices(Decimal(prompt), Decimal(completion), read, write)


_FREE_PRICES = _usd("0", "0")

_TABLE = (
    Model(
        id="openai/gpt-4o-mini",
        slug="openai/gpt-4o-mini",
        name="OpenAI: GPT-4o-mini",
        provider="OpenAI",
        native=native.CHAT,
        prices=_usd("0.00000015", "0.0000006", "0.000000075"),
        created=1_721_260_800,
        context_length=128_000,
        longest_answer=16_384,
        tokenizer="GPT",
    ),
    Model(
        id="openai/gpt-4o",
        slug="openai/gpt-4o",
        name="OpenAI: GPT-4o",
        provider="OpenAI",
        native=native.CHAT,
        prices=_usd("0.0000025", "0.00001", "0.00000125"),
        created=1_715_558_400,
        context_length=128_000,
        longest_answer=16_384,
        tokenizer="GPT",
    ),
    Model(
        id="openai/gpt-4.1-mini",
        slug="openai/gpt-4.1-mini-2025-04-14",
        name="OpenAI: GPT-4.1 Mini",
        provider="Azure",
        native=native.CHAT,
        prices=_usd("0.0000004", "0.0000016", "0.0000001"),
        created=1_744_651_381,
        context_length=1_047_576,
        longest_answer=32_768,
        tokenizer="GPT",
    ),
    Model(
        id="openai/gpt-5-mini",
        slug="openai/gpt-5-mini-2025-08-07",
        name="OpenAI: GPT-5 Mini",
        provider="OpenAI",
        native=native.RESPONSES,
        prices=_usd("0.00000025", "0.000002", "0.000000025"),
        reasoning="always",
        created=1_754_587_407,
        context_length=400_000,
        longest_answer=128_000,
        tokenizer="GPT",
    ),
    Model(
        id="anthropic/claude-haiku-4.5",
        slug="anthropic/claude-4.5-haiku-20251001",
        name="Anthropic: Claude Haiku 4.5",
        provider="Amazon Bedrock",
        native=native.ANTHROPIC,
        prices=_usd("0.000001", "0.000005", "0.0000001", "0.00000125"),
        reasoning="asked",
        created=1_760_547_638,
        context_length=200_000,
        longest_answer=64_000,
        tokenizer="Claude",
    ),
    Model(
        id="anthropic/claude-sonnet-4.5",
        slug="anthropic/claude-4.5-sonnet-20250929",
        name="Anthropic: Claude Sonnet 4.5",
        provider="Anthropic",
        native=native.ANTHROPIC,
        prices=_usd("0.000003", "0.000015", "0.0000003", "0.00000375"),
        reasoning="asked",
        created=1_759_161_676,
        context_length=1_000_000,
        longest_answer=64_000,
        tokenizer="Claude",
    ),
    Model(
        id="google/gemini-2.5-flash",
        slug="google/gemini-2.5-flash",
        name="Google: Gemini 2.5 Flash",
        provider="Google AI Studio",
        native=native.GOOGLE,
        prices=_usd("0.0000003", "0.0000025", "0.00000003", "0.0000003833"),
        reasoning="asked",
        created=1_750_172_488,
        context_length=1_048_576,
        longest_answer=65_535,
        tokenizer="Gemini",
    ),
    Model(
        id="deepseek/deepseek-v3.2",
        slug="deepseek/deepseek-v3.2-20251201",
        name="DeepSeek: DeepSeek V3.2",
        provider="DeepInfra",
        native=native.CHAT,
        prices=_usd("0.000000224", "0.00000032"),
        reasoning="asked",
        created=1_764_594_642,
        context_length=163_840,
        longest_answer=None,
        tokenizer="DeepSeek",
    ),
    Model(
        id="deepseek/deepseek-r1-0528",
        slug="deepseek/deepseek-r1-0528",
        name="DeepSeek: R1 0528",
        provider="Novita",
        native=native.CHAT,
        prices=_usd("0.0000004", "0.00000175"),
        reasoning="always",
        created=1_748_455_170,
        context_length=163_840,
        longest_answer=163_840,
        tokenizer="DeepSeek",
    ),
    Model(
        id="openai/gpt-oss-120b",
        slug="openai/gpt-oss-120b",
        name="OpenAI: gpt-oss-120b",
        provider="Groq",
        native=native.CHAT,
        prices=_usd("0.000000039", "0.00000019"),
        reasoning="asked",
        created=1_754_414_231,
        context_length=131_072,
        longest_answer=None,
        tokenizer="GPT",
    ),
    Model(
        id=_FREE,
        slug="openai/gpt-oss-20b",
        name="OpenAI: gpt-oss-20b (free)",
        provider="OpenInference",
        native=native.CHAT,
        prices=_FREE_PRICES,
        reasoning="asked",
        created=1_754_414_229,
        context_length=131_072,
        longest_answer=128_000,
        tokenizer="GPT",
    ),
)

_BY_ID = {model.id: model for model in _TABLE}


def find(asked: str) -> Model:
    """Return the model that answers to the id `asked`; raises `Refused` (400) where there is none."""
    asked = _ROUTES.get(asked, asked)
    if asked in _BY_ID:
        return _answering(_BY_ID[asked])
    if asked.startswith(FAULTS_MODEL):
        return _faulty(asked)
    base, _, variant = asked.rpartition(":")
    if variant not in VARIANTS or base not in _BY_ID:
        raise errors.no_model(asked)
    model = _BY_ID[base]
    return _answering(msgspec.structs.replace(model, id=asked, prices=_FREE_PRICES)) if variant == "free" else model


def router(asked: str) -> str | None:
    """Return `asked` where it is a router, whose pick answers."""
    return asked if asked in _ROUTES else None


def _answering(model: Model) -> Model:
    """Return the model with the slug it answers with: a free one keeps its suffix."""
    suffix = ":free" if model.id.endswith(":free") else ""
    return msgspec.structs.replace(model, slug=model.slug + suffix)


def _faulty(asked: str) -> Model:
    return Model(
        id=asked,
        slug=asked,
        name=f"Simulator: {asked.removeprefix(FAULTS_MODEL)}",
        provider="Simulator",
        native=native.CHAT,
        prices=_usd("0.000001", "0.000004", "0.0000005"),
        created=1_767_225_600,
        context_length=128_000,
        longest_answer=None,
        tokenizer="Other",
    )


def listing() -> bytes:
    """Return the body of `GET /api/v1/models`."""
    rows = [_row(model) for model in _TABLE] + [_router_row(router_id) for router_id in _ROUTES]
    return msgspec.json.encode({"data": rows, "total_count": len(rows), "links": {"next": None}})


def _row(model: Model) -> dict[str, Any]:
    return _listed(model.id, model.slug, model.name) | {
        "created": model.created,
        "context_length": model.context_length,
        "architecture": _architecture(model.tokenizer),
        "pricing": _pricing(model.prices),
        "top_provider": {
            "context_length": model.context_length,
            "max_completion_tokens": model.longest_answer,
            "is_moderated": False,
        },
        "supported_parameters": ["max_tokens", "temperature", "tool_choice", "tools", "top_p"],
    }


def _router_row(router_id: str) -> dict[str, Any]:
    return _listed(router_id, router_id, router_id.removeprefix("openrouter/").capitalize() + " Router") | {
        "created": 1_699_401_600,
        "context_length": 2_000_000,
        "architecture": _architecture("Router"),
        "pricing": {"prompt": _DYNAMIC, "completion": _DYNAMIC},
        "top_provider": {"context_length": None, "max_completion_tokens": None, "is_moderated": False},
        "supported_parameters": [],
    }


def _listed(model_id: str, slug: str, name: str) -> dict[str, Any]:
    """Return what every row states the same way."""
    return {
        "id": model_id,
        "canonical_slug": slug,
        "hugging_face_id": None,
        "name": name,
        "description": f"{name}, as the simulator plays it.",
        "per_request_limits": None,
        "default_parameters": {},
        "supported_voices": None,
        "knowledge_cutoff": None,
        "expiration_date": None,
        "links": {"details": f"/api/v1/models/{slug}/endpoints"},
    }


def _architecture(tokenizer: str) -> dict[str, Any]:
    return {
        "modality": "text->text",
        "input_modalities": ["text"],
        "output_modalities": ["text"],
        "tokenizer": tokenizer,
        "instruct_type": None,
    }


def _pricing(prices: Prices) -> dict[str, str]:
    """Return the prices as OpenRouter lists them: strings in plain notation."""
    stated = {
        "prompt": prices.prompt,
        "completion": prices.completion,
        "input_cache_read": prices.cache_read,
        "input_cache_write": prices.cache_write,
    }
    return {key: format(price, "f") for key, price in stated.items() if price is not None}
