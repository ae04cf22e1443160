"""The report of `spancast costs`: sums in the requested order, savings and trends."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import reduce
from operator import add

from spancast.bookkeeping.answers.dimensions import Group
from spancast.bookkeeping.answers.filter import Filter, criteria
from spancast.bookkeeping.answers.report import CostRow, Report
from spancast.bookkeeping.prices import Prices
from spancast.cli.reports import timeline
from spancast.cli.reports.figures import sum_rows
from spancast.cli.reports.savings import CostsSource, Saved, is_affordable, saved
from spancast.cli.reports.timeline import PERIODS, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsRequest:
    """What to report."""

    by: Sequence[str]
    """The dimensions."""
    chosen: Filter = field(default_factory=Filter)
    """Which calls."""
    sort: str | None = None
    """A key of `SORTS`; `None` sorts by time if the first dimension is one, else by cost."""
    top: int | None = None
    """The number of rows to show; `None` for all."""
    trend: str | None = None
    """The period of the trends; `None` for no trends."""
    prices: Prices | None = None
    """For the savings; `None` if no price list is stored."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostsReport:
    """The sums, and what is derived from them."""

    by: Sequence[str]
    rows: Sequence[CostRow] = ()
    """The rows to show."""
    more: int = 0
    """The number of the other rows."""
    others: CostRow = field(default_factory=CostRow.nothing)
    """The sums of the other rows."""
    rest: Sequence[CostRow] = ()
    """The other rows one by one; empty if only their sums are needed."""
    nobody: CostRow | None = None
    """The sums of calls without a user; `None` unless users are a dimension."""
    total: CostRow = field(default_factory=CostRow.nothing)
    complete_since: date | None = None
    """The first day from which no call is missing; `None` if the sums need no call that was pruned."""
    savings: Mapping[Group, Saved] | None = None
    """By group; `None` without a price list, or if too many calls would have to be read, or some were pruned."""
    timeline: Timeline | None = None
    """The periods of the trends."""
    trends: Mapping[Group, Sequence[CostRow]] = field(default_factory=dict)
    """Each group's rows by period."""

    def group(self, row: CostRow) -> Group:
        """Return the values of a row, in the order of the dimensions."""
        return tuple(row.group[name] for name in self.by)

    def saved(self, *rows: CostRow) -> Saved:
        """Return the savings of these rows."""
        savings = self.savings or {}
        return reduce(add, (savings.get(self.group(row), Saved()) for row in rows), Saved())

    def trend(self, *rows: CostRow) -> list[Decimal | None]:
        """Return the dollars of these rows by period, as a sparkline shows them; empty without a timeline."""
        if self.timeline is None:
            return []
        return self.timeline.costs(each for row in rows for each in self.trends.get(self.group(row), ()))


SORTS: Mapping[str, Callable[[CostRow], object]] = {
    "cost": lambda row: (row.cost is None, -(row.cost or 0)),
    "calls": lambda row: -row.calls,
    "tokens": lambda row: -((row.input_tokens or 0) + (row.output_tokens or 0)),
    "errors": lambda row: -row.errors,
    "name": lambda row: [(value is None, value or "") for value in row.group.values()],
}
"""Sort keys of the rows; of equal rows the more expensive comes first."""


def costs_report(costs: CostsSource, request: CostsRequest) -> CostsReport:
    """Return the report of a request, with sums from `costs`."""
    by, chosen, top = request.by, request.chosen, request.top
    order = request.sort or ("name" if by[0] in PERIODS else "cost")
    if order == "cost" and _needs_top_users_only(costs, request):
        return _of_top_users(by, costs(by, chosen, top, counted=True))
    report = costs(by, chosen)
    rows = sorted(report.rows, key=SORTS[order])  # type: ignore[arg-type]  # of one kind each
    shown = len(rows) if top is None else top
    by_time = Report((), report.total) if request.trend is None else costs([*by, request.trend], chosen)
    return CostsReport(
        by=by,
        rows=rows[:shown],
        more=len(rows[shown:]),
        others=sum_rows(rows[shown:]),
        rest=rows[shown:],
        nobody=report.nobody,
        total=report.total,
        complete_since=report.complete_since or by_time.complete_since,
        savings=_savings(costs, request, report.total),
        timeline=None if request.trend is None else timeline.over(request.trend, by_time.rows),
        trends=timeline.by_group(by_time.rows, by),
    )


def _of_top_users(by: Sequence[str], report: Report) -> CostsReport:
    """Return the report without its other rows one by one."""
    return CostsReport(
        by=by,
        rows=report.rows,
        more=report.more or 0,
        others=report.rest,
        nobody=report.nobody,
        total=report.total,
        complete_since=report.complete_since,
    )


def _needs_top_users_only(costs: CostsSource, request: CostsRequest) -> bool:
    """Return whether the request needs the most expensive users, and of the others only their sums."""
    if request.top is None or request.trend is not None or list(request.by) != ["user"] or criteria(request.chosen):
        return False
    return request.prices is None or not is_affordable(
        request.by, request.chosen, costs([], request.chosen).total.calls
    )


def _savings(costs: CostsSource, request: CostsRequest, total: CostRow) -> Mapping[Group, Saved] | None:
    if request.prices is None or not is_affordable(request.by, request.chosen, total.calls):
        return None
    return saved(costs, request.by, request.chosen, request.prices)
