"""What `spancast costs` found out: sums, in the order asked for, and what is shown beside them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import reduce
from operator import add

from spancast.bookkeeping.answers.dimensions import Group
from spancast.bookkeeping.answers.filter import Filter, named
from spancast.bookkeeping.answers.report import CostRow, Report
from spancast.bookkeeping.prices import Prices
from spancast.cli.answers.figures import added
from spancast.cli.answers.savings import Costs, Saved, is_affordable, saved
from spancast.cli.output import timeline
from spancast.cli.output.timeline import PERIODS, Timeline


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked."""

    by: Sequence[str]
    chosen: Filter = field(default_factory=Filter)
    sort: str | None = None
    """A row of `SORTS`; `None`: by time where the first dimension is one, else by cost."""
    top: int | None = None
    """How many rows are shown."""
    trend: str | None = None
    """The period of the trends."""
    prices: Prices | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was found."""

    by: Sequence[str]
    rows: Sequence[CostRow] = ()
    more: int = 0
    """How many rows were asked not to be shown."""
    others: CostRow = field(default_factory=CostRow.nothing)
    """The sums of those."""
    rest: Sequence[CostRow] = ()
    """Those one by one; none where there is nothing to say of them but their sums."""
    nobody: CostRow | None = None
    """The sums of what has no user, where that is asked."""
    total: CostRow = field(default_factory=CostRow.nothing)
    complete_since: date | None = None
    """From which day on no call is missing, where single calls were pruned that it takes."""
    savings: Mapping[Group, Saved] | None = None
    """By group; `None` where there is no list of prices, too much to read, or not enough left of it."""
    timeline: Timeline | None = None
    """What the trends are over."""
    trends: Mapping[Group, Sequence[CostRow]] = field(default_factory=dict)
    """The rows by period, of each group."""

    def group(self, row: CostRow) -> Group:
        """Return the values of a row, in the order of the dimensions."""
        return tuple(row.group[name] for name in self.by)

    def saved(self, *rows: CostRow) -> Saved:
        """Return what these rows saved."""
        found = self.savings or {}
        return reduce(add, (found.get(self.group(row), Saved()) for row in rows), Saved())

    def trend(self, *rows: CostRow) -> str:
        """Return the sparkline of these rows."""
        if self.timeline is None:
            return ""
        return self.timeline.line(each for row in rows for each in self.trends.get(self.group(row), ()))


SORTS: Mapping[str, Callable[[CostRow], object]] = {
    "cost": lambda row: (row.cost is None, -(row.cost or 0)),
    "calls": lambda row: -row.calls,
    "tokens": lambda row: -((row.input_tokens or 0) + (row.output_tokens or 0)),
    "errors": lambda row: -row.errors,
    "name": lambda row: [(value is None, value or "") for value in row.group.values()],
}
"""What the rows can be ordered by; where that is equal the dearer goes first."""


def answer(costs: Costs, question: Question) -> Answer:
    """Return what there is to say to a question, by the sums that `costs` finds."""
    by, chosen, top = question.by, question.chosen, question.top
    order = question.sort or ("name" if by[0] in PERIODS else "cost")
    if order == "cost" and _is_short(costs, question):
        return _short(by, costs(by, chosen, top, counted=True))
    report = costs(by, chosen)
    rows = sorted(report.rows, key=SORTS[order])  # type: ignore[arg-type]  # of one kind each
    shown = len(rows) if top is None else top
    by_time = Report((), report.total) if question.trend is None else costs([*by, question.trend], chosen)
    return Answer(
        by=by,
        rows=rows[:shown],
        more=len(rows[shown:]),
        others=added(rows[shown:]),
        rest=rows[shown:],
        nobody=report.nobody,
        total=report.total,
        complete_since=report.complete_since or by_time.complete_since,
        savings=_savings(costs, question, report.total),
        timeline=None if question.trend is None else timeline.over(question.trend, by_time.rows),
        trends=timeline.by_group(by_time.rows, by),
    )


def _short(by: Sequence[str], report: Report) -> Answer:
    """Return the answer whose other rows need not be known one by one."""
    return Answer(
        by=by,
        rows=report.rows,
        more=report.more or 0,
        others=report.rest,
        nobody=report.nobody,
        total=report.total,
        complete_since=report.complete_since,
    )


def _is_short(costs: Costs, question: Question) -> bool:
    """Return whether it is the dearest users that are asked for, and nothing of the others but their sums."""
    if question.top is None or question.trend is not None or list(question.by) != ["user"] or named(question.chosen):
        return False
    return question.prices is None or not is_affordable(
        question.by, question.chosen, costs([], question.chosen).total.calls
    )


def _savings(costs: Costs, question: Question, total: CostRow) -> Mapping[Group, Saved] | None:
    if question.prices is None or not is_affordable(question.by, question.chosen, total.calls):
        return None
    return saved(costs, question.by, question.chosen, question.prices)
