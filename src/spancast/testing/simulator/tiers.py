"""Service tiers: the same model faster at a higher price, or slower at a lower price.

The tier that serves a request is billed, and the response states it. `fast` is an alias of `priority`. If the provider
does not have the tier, the request is served normally (OpenRouter docs, service tiers). OpenRouter's prices vary by
model; here `flex` costs half and `priority` twice the price.
"""

from decimal import Decimal

from spancast.testing.simulator import models
from spancast.testing.simulator.model import Model

_PROVIDERS = frozenset({"OpenAI", "Google AI Studio", "Simulator"})
_FACTORS = {"flex": Decimal("0.5"), "priority": Decimal(2), "default": Decimal(1)}
NAMES = tuple(_FACTORS)
"""The tiers that a response may state."""
_ALIASES = {"fast": "priority", "auto": "default", "standard": "default"}


def serving(model: Model, asked: str | None, served: str | None) -> Model:
    """Return the model in the requested tier, `asked`, or in the tier `served` that replaces it."""
    wanted = served or asked
    tier = _ALIASES.get(wanted or "", wanted)
    if tier not in _FACTORS or asked is None or model.provider not in _PROVIDERS:
        return model
    return models.at(model, _FACTORS[tier], tier)
