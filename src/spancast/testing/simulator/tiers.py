"""Service tiers: the same model sooner for more, or later for less.

The tier that serves is the tier that is billed, and an answer says which it was. `fast` is another name of `priority`.
Where the provider sells no such tier, the request is served as any other (OpenRouter docs, service tiers). What each
costs varies by model; here `flex` is half the price and `priority` twice.
"""

from decimal import Decimal

from spancast.testing.simulator import models
from spancast.testing.simulator.model import Model

_PROVIDERS = frozenset({"OpenAI", "Google AI Studio", "Simulator"})
_FACTORS = {"flex": Decimal("0.5"), "priority": Decimal(2), "default": Decimal(1)}
NAMES = tuple(_FACTORS)
"""The tiers that an answer may name."""
_ALIASES = {"fast": "priority", "auto": "default", "standard": "default"}


def serving(model: Model, asked: str | None, served: str | None) -> Model:
    """Return the model as it serves a request for the tier `asked`; `served` is the tier that it gives instead."""
    wanted = served or asked
    tier = _ALIASES.get(wanted or "", wanted)
    if tier not in _FACTORS or asked is None or model.provider not in _PROVIDERS:
        return model
    return models.at(model, _FACTORS[tier], tier)
