"""How long calls took, for people."""

from collections.abc import Iterator, Sequence

from spancast.bookkeeping.answers.latency import LatencyRow
from spancast.cli.output import human
from spancast.cli.output.colour import Paint
from spancast.cli.output.costs_table import dimension_value
from spancast.cli.output.table import Column, lines, wrapped
from spancast.cli.reports.latency import LatencyReport

_WHOLE_FROM = 10
"""Tokens a second from which on no decimal is shown."""


def table(report: LatencyReport, width: int, paint: Paint) -> Iterator[str]:
    """Yield the lines of the table, none wider than the terminal."""
    yield from lines(_columns(report), _rows(report), width, paint)
    yield from wrapped("Completed calls only, accurate to 2.2 %. First token and tok/s: streams only.", width)
    if report.complete_since is not None:
        for part in wrapped(human.pruned(report.complete_since), width):
            yield paint(part, "yellow")


def _columns(report: LatencyReport) -> list[Column]:
    return [
        *(Column(name) for name in report.by),
        Column("calls", number=True),
        Column("p50", number=True, style="bold"),
        Column("p95", number=True),
        Column("first token", number=True, rank=1),
        Column("first token p95", number=True, rank=3),
        Column("tok/s", number=True, rank=2),
    ]


def _rows(report: LatencyReport) -> Iterator[tuple[str, ...]]:
    blank = ["" for _ in report.by]
    for row in report.rows:
        yield (*(dimension_value(name, row.group[name]) for name in report.by), *_cells(row))
    if report.more:
        yield (f"{report.more:,} more", *blank[1:], *("" for _ in _cells(report.total)))
    yield ("total", *blank[1:], *_cells(report.total))


def _cells(row: LatencyRow) -> Sequence[str]:
    return (
        human.count(row.calls),
        _span(row.p50),
        _span(row.p95),
        _span(row.first_token_p50),
        _span(row.first_token_p95),
        _rate(row.tokens_per_second_p50),
    )


def _span(nanoseconds: float | None) -> str:
    return human.span(None if nanoseconds is None else round(nanoseconds))


def _rate(number: float | None) -> str:
    return human.UNKNOWN if number is None else f"{number:,.{0 if number >= _WHOLE_FROM else 1}f}"
