"""Resolving a model id to a model."""

from decimal import Decimal

import msgspec

from spancast.testing.simulator import catalogue, errors, native, prices
from spancast.testing.simulator.model import Kind, Model

VARIANTS = ("free", "nitro", "floor", "online", "thinking", "exacto", "extended")
"""Suffixes that any text model's id may have; only `:free` changes the price and the model id of the response."""

FAULTS_MODEL = "simulator/"
ROUTERS = {"openrouter/auto": "anthropic/claude-haiku-4.5", "openrouter/free": catalogue.FREE_MODEL}
"""The routers, and the models that they select."""
_FAULTY_PRICES = prices.usd("0.000001", "0.000004", cache_read="0.0000005", image="0.00002", unit="0.0003")

_BY_ID = {model.id: model for model in (*catalogue.TEXT, *catalogue.OTHERS)}


def find(asked: str, kind: Kind = "text") -> Model:
    """Return the model with the id `asked`; raise `RequestError` (400) if there is none of that kind."""
    asked = ROUTERS.get(asked, asked)
    if asked.startswith(FAULTS_MODEL):
        return _faulty(asked, kind)
    base, _, variant = asked.rpartition(":")
    model = _BY_ID.get(asked) or (_BY_ID.get(base) if variant in VARIANTS and kind == "text" else None)
    if model is None or model.kind != kind:
        raise _missing(asked, kind)
    return _free(model, asked) if asked.endswith(":free") or model.id.endswith(":free") else model


def router(asked: str) -> str | None:
    """Return `asked` if it is a router, else `None`."""
    return asked if asked in ROUTERS else None


def at(model: Model, factor: Decimal, tier: str | None = None) -> Model:
    """Return the model with its prices multiplied by `factor`, in service tier `tier`."""
    return msgspec.structs.replace(model, prices=prices.times(model.prices, factor), tier=tier or model.tier)


def _free(model: Model, asked: str) -> Model:
    """Return the model's free variant: without prices, and with the suffix in its slug."""
    model_id = asked if asked.endswith(":free") else model.id
    return msgspec.structs.replace(model, id=model_id, slug=f"{model.slug}:free", prices=prices.FREE)


def _missing(asked: str, kind: Kind) -> errors.RequestError:
    return errors.no_model(asked) if kind == "text" else errors.bad_request(f"Model {asked} does not exist")


def _faulty(asked: str, kind: Kind) -> Model:
    return Model(
        id=asked,
        kind=kind,
        slug=asked,
        name=f"Simulator: {asked.removeprefix(FAULTS_MODEL)}",
        provider="Simulator",
        native=native.CHAT,
        prices=_FAULTY_PRICES,
        created=1_767_225_600,
        context_length=128_000,
        max_completion_tokens=None,
        tokenizer="Other",
    )
