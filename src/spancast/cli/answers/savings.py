"""What was saved by reading tokens from a cache, by the list of prices that lies in the home; none is fetched.

It is the difference between the listed price of a token of input and of one that is read from a cache. What applies
only above some length or at some time of the day is left aside, and so is what it cost to write the cache.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, Decimal
from typing import Protocol

from spancast.bookkeeping.answers.dimensions import Group, dimension
from spancast.bookkeeping.answers.filter import Filter, grounds
from spancast.bookkeeping.answers.report import Report
from spancast.bookkeeping.prices import Prices
from spancast.bookkeeping.pricing import Pricing
from spancast.cli.answers.figures import plus
from spancast.records.call import Call


class Costs(Protocol):
    """Finds the sums of the chosen calls by some dimensions, wherever they lie."""

    def __call__(self, by: Sequence[str], chosen: Filter, top: int | None = None, *, counted: bool = False) -> Report:
        """Return them, as `answers.costs` does."""
        ...


AFFORDABLE = 100_000
"""Calls that may be read one by one for it, where no sums are kept that tell the models of a group apart."""

_MODELS = ("model", "requested_model")
_KEPT = {"kind", "day"}
"""What sums are kept by that tell models apart."""
_EXACT = Context(prec=200)


@dataclass(frozen=True, slots=True)
class Saved:
    """What a group saved."""

    amount: Decimal | None = None
    """US dollars of the models that have a price; `None` where none has."""
    unpriced: int = 0
    """Cached tokens of models that have none, which the amount leaves out."""

    def __add__(self, other: "Saved") -> "Saved":
        return Saved(plus(self.amount, other.amount), self.unpriced + other.unpriced)


def saved(costs: Costs, by: Sequence[str], chosen: Filter, prices: Prices) -> Mapping[Group, Saved] | None:
    """Return what each group saved; `None` where calls were pruned that would have to be read for it."""
    found: defaultdict[Group, Saved] = defaultdict(Saved)
    report = costs(list(dict.fromkeys([*by, *_MODELS])), chosen)
    if report.complete_since is not None:
        return None
    for row in report.rows:
        group = tuple(row.group[name] for name in by)
        if row.cached_tokens is not None:
            found[group] += _of_model(row.cached_tokens, row.group["model"], row.group["requested_model"], prices)
    return found


def is_affordable(by: Sequence[str], chosen: Filter, calls: int) -> bool:
    """Whether it is found out quickly what these groups saved, of so many calls."""
    return calls <= AFFORDABLE or {dimension(name).ground for name in by} | grounds(chosen) <= _KEPT


def _of_model(cached: int, answered: str | None, asked: str | None, prices: Prices) -> Saved:
    if not cached:
        return Saved(Decimal(0))
    call = Call(call_id="", operation="chat", started_at=0, response_model=answered, request_model=asked)
    priced = prices.of(call)
    for_one = None if priced is None else _for_one_token(priced)
    return Saved(None, cached) if for_one is None else Saved(_EXACT.multiply(for_one, cached).normalize(_EXACT))


def _for_one_token(priced: Pricing) -> Decimal | None:
    """Return the dollars saved with a token; a listed zero stands for what has no price of its own."""
    full, read = priced.base.get("prompt"), priced.base.get("input_cache_read")
    if full is None or read is None or full < 0 or read < 0 or (full and not read):
        return None
    return _EXACT.multiply(_EXACT.subtract(full, read), 1 - priced.discount)
