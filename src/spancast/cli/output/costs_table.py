"""Sums for people: a table that fits the terminal, with notes below."""

from collections.abc import Iterator, Sequence

from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.output import human
from spancast.cli.output.charts import bar, sparkline
from spancast.cli.output.colour import Paint
from spancast.cli.output.table import Column, lines, wrapped
from spancast.cli.reports import figures, timeline
from spancast.cli.reports.costs import CostsReport
from spancast.cli.reports.savings import Saved
from spancast.cli.reports.timeline import PERIODS

NO_USER = "(no user)"


def table(report: CostsReport, width: int, paint: Paint) -> Iterator[str]:
    """Yield the lines of the table, none wider than the terminal."""
    yield from lines(_columns(report), _rows(report), width, paint)
    line = _over_time(report)
    if line is not None:
        yield from wrapped(line, width)
    for note in _notes(report):
        for part in wrapped(note, width):
            yield paint(part, "yellow")


def _columns(report: CostsReport) -> list[Column]:
    return [
        *(Column(name) for name in report.by),
        Column("calls", number=True),
        Column("input", number=True, rank=3),
        Column("output", number=True, rank=3),
        Column("cached", number=True, rank=9),
        Column("cached%", number=True, rank=8),
        Column("reasoning", number=True, rank=10),
        Column("errors", number=True, rank=2, style="red"),
        *([] if report.savings is None else [Column("saved", number=True, rank=7)]),
        Column("$/Mtok", number=True, rank=5),
        Column("per call", number=True, rank=6),
        Column("cost", number=True, style="bold"),
        Column("share", number=True, rank=1),
        Column("", number=True, rank=4, style="cyan"),
        *(
            []
            if report.timeline is None
            else [Column(f"by {report.timeline.period}", number=True, rank=1, style="green")]
        ),
    ]


def _rows(report: CostsReport) -> Iterator[tuple[str, ...]]:
    for row in report.rows:
        yield _row(report, [dimension_value(name, row.group[name]) for name in report.by], row, [row])
    if report.more:
        yield _row(report, [f"{report.more:,} more"], report.others, report.rest)
    yield _row(report, ["total"], report.total, [*report.rows, *report.rest])


def _row(report: CostsReport, names: Sequence[str], sums: CostRow, of: Sequence[CostRow]) -> tuple[str, ...]:
    part = figures.share(sums, report.total)
    is_total = sums is report.total
    return (
        *names,
        *("" for _ in report.by[len(names) :]),
        human.count(sums.calls),
        human.count(sums.input_tokens),
        human.count(sums.output_tokens),
        human.count(sums.cached_tokens),
        human.percent(figures.cached_share(sums)),
        human.count(sums.reasoning_tokens),
        _errors(sums),
        *([] if report.savings is None else [_saved(report.saved(*of))]),
        _per_million_tokens(sums),
        human.dollars(figures.per_call(sums)),
        human.dollars(sums.cost),
        human.percent(part),
        bar(None if is_total else part),
        *([] if report.timeline is None else [sparkline(report.trend(*of))]),
    )


def dimension_value(dimension: str, value: str | None) -> str:
    """Return the value of a dimension as a table shows it."""
    return NO_USER if dimension == "user" and value is None else human.text(value)


def _errors(sums: CostRow) -> str:
    return f"{sums.errors:,} ({human.percent(figures.error_share(sums))})" if sums.errors else "0"


def _per_million_tokens(sums: CostRow) -> str:
    """Return it, marked as a lower bound if the cost of some calls is unknown."""
    amount = figures.per_million_tokens(sums)
    return f"{'≥' if sums.unknown_cost_calls and amount is not None else ''}{human.dollars(amount)}"


def _saved(saved: Saved) -> str:
    return f"{'≥' if saved.unpriced and saved.amount is not None else ''}{human.dollars(saved.amount)}"


def _over_time(report: CostsReport) -> str | None:
    """Return the sparkline of all calls, if a dimension is a time."""
    periods = [name for name in report.by if name in PERIODS]
    if not periods:
        return None
    rows = [*report.rows, *report.rest]
    whole = timeline.over(periods[0], rows)
    if whole is None or whole.first == whole.last:
        return None
    names = sorted(str(row.group[periods[0]]) for row in rows)
    return f"{names[0]} {sparkline(whole.costs(rows))} {names[-1]}"


def _notes(report: CostsReport) -> Iterator[str]:
    """Yield what the sums leave out, and which parts of them are uncertain."""
    if report.nobody is not None:
        yield f"{human.calls(report.nobody.calls)} without a user, {human.dollars(report.nobody.cost)}."
    unpriced = report.saved(*report.rows, *report.rest).unpriced
    if unpriced:
        yield f"The savings leave out {unpriced:,} cached tokens of models without a listed price."
    yield from notes(report.total)
    if report.complete_since is not None:
        yield human.pruned(report.complete_since)


def notes(total: CostRow) -> Iterator[str]:
    """Yield the notes that apply to any sums."""
    if total.unknown_cost_calls:
        yield f"{human.calls(total.unknown_cost_calls)} of unknown cost, which the sums leave out."
    if total.refused_calls:
        yield human.refused(total.refused_calls)
    if total.estimated_calls:
        yield f"{human.calls(total.estimated_calls)} of estimated cost, which the sums include."
    if total.adjusted is not None:
        yield human.adjusted(total.adjustments, total.adjusted, "which the sums include")
