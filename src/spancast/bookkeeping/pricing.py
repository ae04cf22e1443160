"""The pricing of a model in OpenRouter's list: its rates, and when others apply (OpenRouter API, PublicPricing)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.numbers import decimal

RATES = frozenset(
    {
        "prompt",
        "completion",
        "request",
        "image",
        "image_token",
        "image_output",
        "audio",
        "audio_output",
        "input_audio_cache",
        "input_cache_read",
        "input_cache_write",
        "input_cache_write_1h",
        "internal_reasoning",
        "web_search",
    }
)
"""The members of a `pricing` that are US dollars per token, request, search or image."""

_MIDNIGHT = Decimal(2400)

Rates = Mapping[str, Decimal]
"""US dollars, by what they are for. A negative rate is dynamic: the rate of whichever model a router picks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """Rates that apply instead where all conditions hold (openrouter SDK, PricingOverride)."""

    rates: Rates
    above: Decimal | None = None
    """Applies above this number of input tokens."""
    start: Decimal = Decimal(0)
    """Applies from this UTC time of day, as hours and minutes: 1030 is 10:30."""
    end: Decimal = _MIDNIGHT
    """Applies before this time; the window may wrap past midnight."""
    days: frozenset[str] | None = None
    """Applies on these days of the week, in UTC."""
    is_understood: bool = True
    """Whether all its conditions are known to this version."""

    def applies(self, at: datetime, input_tokens: int) -> bool | None:
        """Whether it applies to a request; `None` where that is unknown."""
        day, clock = _DAYS[at.weekday()], at.hour * 100 + at.minute
        large = self.above is None or input_tokens > self.above
        today = self.days is None or day in self.days
        start, end = self.start, self.end
        open_now = start <= clock < end if start <= end else clock >= start or clock < end
        if not (large and today and open_now):
            return False
        return True if self.is_understood else None


@dataclass(frozen=True, slots=True)
class Pricing:
    """The rates of one model."""

    base: Rates
    overrides: tuple[Override, ...] = ()
    discount: Decimal = Decimal(0)
    """The fraction by which the price is reduced."""

    def rates(self, started_at: int, input_tokens: int) -> Rates | None:
        """Return the rates of a request that began at `started_at` (Unix time in nanoseconds).

        Later overrides win. `None` where it is unknown which apply, or where the price is dynamic.
        """
        rates, at = dict(self.base), datetime.fromtimestamp(started_at // NS_PER_SECOND, UTC)
        for override in self.overrides:
            applies = override.applies(at, input_tokens)
            if applies is None:
                return None
            rates |= override.rates if applies else {}
        is_known = {"prompt", "completion"} <= rates.keys() and not any(rate < 0 for rate in rates.values())
        return rates if is_known else None

    @property
    def is_dynamic(self) -> bool:
        """Whether the price is that of whichever model a router picks."""
        return any(rate < 0 for rate in self.base.values())


def pricing(listed: Mapping[str, Any]) -> Pricing:
    """Return the pricing of a listed model, without rates and overrides that cannot be read."""
    overrides = tuple(_override(each) for each in listed.get("overrides") or () if isinstance(each, Mapping))
    return Pricing(_rates(listed), overrides, decimal(listed.get("discount")) or Decimal(0))


def _override(listed: Mapping[str, Any]) -> Override:
    conditions = listed.keys() - RATES
    numbers = {name: number for name in _NUMBERS if (number := decimal(listed.get(name))) is not None}
    days = _days(listed.get("utc_days"))
    known = numbers.keys() | ({"utc_days"} if days is not None else set())
    return Override(
        rates=_rates(listed),
        above=numbers.get("min_prompt_tokens"),
        start=numbers.get("utc_start", Decimal(0)),
        end=numbers.get("utc_end", _MIDNIGHT),
        days=days,
        is_understood=conditions <= known,
    )


def _days(value: Any) -> frozenset[str] | None:
    return frozenset(value) if isinstance(value, list) and all(day in _DAYS for day in value) else None


def _rates(listed: Mapping[str, Any]) -> Rates:
    return {name: rate for name in RATES if (rate := decimal(listed.get(name))) is not None}


_NUMBERS = ("min_prompt_tokens", "utc_start", "utc_end")
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
