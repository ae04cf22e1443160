"""What cached tokens saved, by the price list that is stored in the home; none is fetched.

A token saves the difference between the listed prices of an input token and of a cached one. Prices that apply only
above some length or at some time of the day are ignored, and so is the cost of writing the cache.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from spancast.base.money import EXACT
from spancast.bookkeeping.answers.dimensions import Group, dimension
from spancast.bookkeeping.answers.filter import Filter, filter_columns
from spancast.bookkeeping.answers.report import Report
from spancast.bookkeeping.prices import Prices
from spancast.bookkeeping.pricing import Pricing
from spancast.cli.reports.figures import add_known
from spancast.records.call import Call


class CostsSource(Protocol):
    """Returns the sums of the calls that match, from the ledger or from another store."""

    def __call__(self, by: Sequence[str], chosen: Filter, top: int | None = None, *, counted: bool = False) -> Report:
        """Return the sums, as `answers.costs` does."""
        ...


AFFORDABLE = 100_000
"""The most calls that are read one by one, if the stored sums do not distinguish the models of a group."""

_MODELS = ("model", "requested_model")
_KEPT = {"kind", "day"}
"""The dimensions of the stored sums that distinguish models."""


@dataclass(frozen=True, slots=True)
class Saved:
    """The savings of a group."""

    amount: Decimal | None = None
    """US dollars, for the models with a listed price; `None` if none has one."""
    unpriced: int = 0
    """Cached tokens of the other models, which the amount leaves out."""

    def __add__(self, other: "Saved") -> "Saved":
        return Saved(add_known(self.amount, other.amount), self.unpriced + other.unpriced)


def saved(costs: CostsSource, by: Sequence[str], chosen: Filter, prices: Prices) -> Mapping[Group, Saved] | None:
    """Return the savings by group; `None` if they need calls that were pruned."""
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
    """Return whether the savings of these groups are computed quickly, given the number of calls."""
    return calls <= AFFORDABLE or {dimension(name).column for name in by} | filter_columns(chosen) <= _KEPT


def _of_model(cached: int, answered: str | None, asked: str | None, prices: Prices) -> Saved:
    if not cached:
        return Saved(Decimal(0))
    call = Call(call_id="", operation="chat", started_at=0, response_model=answered, request_model=asked)
    priced = prices.of(call)
    for_one = None if priced is None else _for_one_token(priced)
    return Saved(None, cached) if for_one is None else Saved(EXACT.multiply(for_one, cached).normalize(EXACT))


def _for_one_token(priced: Pricing) -> Decimal | None:
    """Return the dollars that a cached token saves; a listed price of zero means that there is no cache price."""
    full, read = priced.base.get("prompt"), priced.base.get("input_cache_read")
    if full is None or read is None or full < 0 or read < 0 or (full and not read):
        return None
    return EXACT.multiply(EXACT.subtract(full, read), 1 - priced.discount)
