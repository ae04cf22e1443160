"""What a call costs by OpenRouter's price list. It is an estimate, since each provider has prices of its own.

There is none where the list does not price what the call used, such as a service tier, a tool or an image, or where the
account's own key was used (BYOK).
"""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from functools import reduce

from spancast.base.money import EXACT
from spancast.bookkeeping.pricing import Pricing, Rates
from spancast.records.call import Call, Modalities

OPERATIONS = frozenset({"chat", "completion", "responses", "message", "embeddings", "decision"})
"""Operations that are billed by the token."""
_TIERS = (None, "default", "standard", "auto")
_NOTHING = Modalities()


def estimate(call: Call, pricing: Pricing) -> Decimal | None:
    """Return the US dollars by these prices, exact; `None` where they do not cover the call."""
    rates = pricing.rates(call.started_at, call.input_tokens or 0)
    if rates is None or not can_be_estimated(call) or not _is_listed(call, rates):
        return None
    prompt = _tokens(call.input_tokens or 0, rates["prompt"], _parts_of_input(call, rates))
    completion = _tokens(call.output_tokens or 0, rates["completion"], _parts_of_output(call, rates))
    if prompt is None or completion is None:
        return None
    searches = EXACT.multiply(Decimal(call.web_searches or 0), rates.get("web_search", Decimal(0)))
    total = _sum(rates.get("request", Decimal(0)), prompt, completion, searches)
    return EXACT.multiply(total, 1 - pricing.discount).normalize(EXACT)


def can_be_estimated(call: Call) -> bool:
    """Whether the call is billed by its counts alone, and all of them are known."""
    counted = call.input_tokens is not None and (call.output_tokens is not None or call.operation == "embeddings")
    plain = not call.is_byok and not call.cache_hit and call.service_tier in _TIERS
    return (
        call.outcome == "completed" and call.operation in OPERATIONS and counted and plain and _knows_its_searches(call)
    )


def _knows_its_searches(call: Call) -> bool:
    """Whether the only tools that OpenRouter ran are searches, and their number is stated."""
    plugins = () if call.parameters is None else call.parameters.plugins or ()
    searched = call.variant == "online" or "web" in plugins
    if searched and call.web_searches is None:
        return False
    return (call.server_tool_calls or 0) <= (call.web_searches or 0)


def _is_listed(call: Call, rates: Rates) -> bool:
    """Whether the list prices all that the call used by the token; an image may have a price of its own."""
    used, prompt = call.modalities or _NOTHING, rates["prompt"]
    if used.image_output or (call.web_searches and not rates.get("web_search")):
        return False
    return not used.image_input or "image_token" in rates or rates.get("image", prompt) in (0, prompt)


def _parts_of_input(call: Call, rates: Rates) -> Iterator[tuple[int, Decimal]]:
    """Yield the parts of the input that have a rate of their own: tokens and rate."""
    used = call.modalities or _NOTHING
    one_hour, cached_audio = call.cache_write_1h_tokens or 0, used.audio_cached or 0
    yield (call.cached_tokens or 0) - cached_audio, _rate(rates, "input_cache_read", "prompt")
    yield cached_audio, _rate(rates, "input_audio_cache", "input_cache_read", "prompt")
    yield (call.cache_write_tokens or 0) - one_hour, _rate(rates, "input_cache_write", "prompt")
    yield one_hour, _rate(rates, "input_cache_write_1h", "input_cache_write", "prompt")
    yield (used.audio_input or 0) - cached_audio, _rate(rates, "audio", "prompt")
    yield used.image_input or 0, _rate(rates, "image_token", "prompt")


def _parts_of_output(call: Call, rates: Rates) -> Iterator[tuple[int, Decimal]]:
    used = call.modalities or _NOTHING
    yield call.reasoning_tokens or 0, _rate(rates, "internal_reasoning", "completion")
    yield used.audio_output or 0, _rate(rates, "audio_output", "completion")


def _tokens(count: int, rate: Decimal, parts: Iterable[tuple[int, Decimal]]) -> Decimal | None:
    """Return the dollars of `count` tokens; `None` where the parts with rates of their own exceed the whole."""
    apart = [(part, other) for part, other in parts if part and other != rate]
    if any(part < 0 for part, _ in apart) or sum(part for part, _ in apart) > count:
        return None
    extra = (EXACT.multiply(Decimal(part), EXACT.subtract(other, rate)) for part, other in apart)
    return _sum(EXACT.multiply(Decimal(count), rate), *extra)


def _rate(rates: Rates, *names: str) -> Decimal:
    """Return the first rate that is listed; a zero means "no price of its own" (recorded model lists)."""
    return next((rates[name] for name in names if rates.get(name)), Decimal(0))


def _sum(*amounts: Decimal) -> Decimal:
    return reduce(EXACT.add, amounts)
