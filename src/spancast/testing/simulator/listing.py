"""`GET /api/v1/models`: the text models and the routers, as OpenRouter lists them."""

from typing import Any

import msgspec

from spancast.testing.simulator import answer, catalogue, models
from spancast.testing.simulator.account import Account
from spancast.testing.simulator.answer import Answer
from spancast.testing.simulator.model import Model
from spancast.testing.simulator.prices import Prices
from spancast.testing.simulator.served import Served

_DYNAMIC = "-1"
"""A router's listed price; the price of the model it selects applies."""


def show(_: Served, __: Account) -> Answer:
    """Return the list of models."""
    rows = [_row(model) for model in catalogue.TEXT] + [_router_row(router_id) for router_id in models.ROUTERS]
    return answer.json(msgspec.json.encode({"data": rows, "total_count": len(rows), "links": {"next": None}}))


def _row(model: Model) -> dict[str, Any]:
    return _listed(model.id, model.slug, model.name) | {
        "created": model.created,
        "context_length": model.context_length,
        "architecture": _architecture(model.tokenizer),
        "pricing": _pricing(model.prices),
        "top_provider": {
            "context_length": model.context_length,
            "max_completion_tokens": model.max_completion_tokens,
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
    """Return the fields that models and routers have in common."""
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
        "input_cache_write_1h": prices.cache_write_1h,
    }
    return {key: format(price, "f") for key, price in stated.items() if price is not None}
