"""Sums as people read them: a table that fits the terminal, and under it what it cannot say."""

from collections.abc import Iterator, Sequence

from spancast.bookkeeping.answers.report import CostRow
from spancast.cli.answers import figures
from spancast.cli.answers.costs import Answer
from spancast.cli.answers.savings import Saved
from spancast.cli.output import human, timeline
from spancast.cli.output.charts import bar
from spancast.cli.output.colour import Paint
from spancast.cli.output.table import Column, lines, wrapped
from spancast.cli.output.timeline import PERIODS

NO_USER = "(no user)"


def table(answer: Answer, width: int, paint: Paint) -> Iterator[str]:
    """Yield the lines of the table, none wider than the terminal."""
    yield from lines(_columns(answer), _rows(answer), width, paint)
    line = _over_time(answer)
    if line is not None:
        yield from wrapped(line, width)
    for note in _notes(answer):
        for part in wrapped(note, width):
            yield paint(part, "yellow")


def _columns(answer: Answer) -> list[Column]:
    return [
        *(Column(name) for name in answer.by),
        Column("calls", number=True),
        Column("input", number=True, rank=3),
        Column("output", number=True, rank=3),
        Column("cached", number=True, rank=9),
        Column("cached%", number=True, rank=8),
        Column("reasoning", number=True, rank=10),
        Column("errors", number=True, rank=2, style="red"),
        *([] if answer.savings is None else [Column("saved", number=True, rank=7)]),
        Column("$/Mtok", number=True, rank=5),
        Column("per call", number=True, rank=6),
        Column("cost", number=True, style="bold"),
        Column("share", number=True, rank=1),
        Column("", number=True, rank=4, style="cyan"),
        *(
            []
            if answer.timeline is None
            else [Column(f"by {answer.timeline.period}", number=True, rank=1, style="green")]
        ),
    ]


def _rows(answer: Answer) -> Iterator[tuple[str, ...]]:
    for row in answer.rows:
        yield _row(answer, [_name(name, row.group[name]) for name in answer.by], row, [row])
    if answer.more:
        yield _row(answer, [f"{answer.more:,} more"], answer.others, answer.rest)
    yield _row(answer, ["total"], answer.total, [*answer.rows, *answer.rest])


def _row(answer: Answer, names: Sequence[str], sums: CostRow, of: Sequence[CostRow]) -> tuple[str, ...]:
    part = figures.share(sums, answer.total)
    is_total = sums is answer.total
    return (
        *names,
        *("" for _ in answer.by[len(names) :]),
        human.count(sums.calls),
        human.count(sums.input_tokens),
        human.count(sums.output_tokens),
        human.count(sums.cached_tokens),
        human.percent(figures.cached_share(sums)),
        human.count(sums.reasoning_tokens),
        _errors(sums),
        *([] if answer.savings is None else [_saved(answer.saved(*of))]),
        _per_million_tokens(sums),
        human.dollars(figures.per_call(sums)),
        human.dollars(sums.cost),
        human.percent(part),
        bar(None if is_total else part),
        *([] if answer.timeline is None else [answer.trend(*of)]),
    )


def _name(dimension: str, value: str | None) -> str:
    return NO_USER if dimension == "user" and value is None else human.text(value)


def _errors(sums: CostRow) -> str:
    return f"{sums.errors:,} ({human.percent(figures.error_share(sums))})" if sums.errors else "0"


def _per_million_tokens(sums: CostRow) -> str:
    """Return it with the sign of the least that it may be, where the cost of some calls is unknown."""
    amount = figures.per_million_tokens(sums)
    return f"{'≥' if sums.unknown_cost_calls and amount is not None else ''}{human.dollars(amount)}"


def _saved(saved: Saved) -> str:
    return f"{'≥' if saved.unpriced and saved.amount is not None else ''}{human.dollars(saved.amount)}"


def _over_time(answer: Answer) -> str | None:
    """Return the sparkline of all calls, where they are told apart by their time."""
    periods = [name for name in answer.by if name in PERIODS]
    if not periods:
        return None
    rows = [*answer.rows, *answer.rest]
    whole = timeline.over(periods[0], rows)
    if whole is None or whole.first == whole.last:
        return None
    names = sorted(str(row.group[periods[0]]) for row in rows)
    return f"{names[0]} {whole.line(rows)} {names[-1]}"


def _notes(answer: Answer) -> Iterator[str]:
    """Yield what the sums leave out, and what they hold that is not sure."""
    if answer.nobody is not None:
        yield f"{human.calls(answer.nobody.calls)} without a user, {human.dollars(answer.nobody.cost)}."
    unpriced = answer.saved(*answer.rows, *answer.rest).unpriced
    if unpriced:
        yield f"What was saved leaves out {unpriced:,} cached tokens of models that have no listed price."
    yield from notes(answer.total)
    if answer.complete_since is not None:
        yield human.pruned(answer.complete_since)


def notes(total: CostRow) -> Iterator[str]:
    """Yield what there is to say of any sums."""
    if total.unknown_cost_calls:
        yield f"{human.calls(total.unknown_cost_calls)} of unknown cost, which the sums leave out."
    if total.refused_calls:
        yield human.refused(total.refused_calls)
    if total.estimated_calls:
        yield f"{human.calls(total.estimated_calls)} of estimated cost, which the sums hold."
    if total.adjusted is not None:
        yield human.adjusted(total.adjustments, total.adjusted, "which the sums hold")
