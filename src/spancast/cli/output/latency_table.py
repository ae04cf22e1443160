"""How long calls took, as people read it."""

from collections.abc import Iterator, Sequence

from spancast.bookkeeping.answers.latency import LatencyRow
from spancast.cli.answers.latency import Timing
from spancast.cli.output import human
from spancast.cli.output.colour import Paint
from spancast.cli.output.costs_table import NO_USER
from spancast.cli.output.table import Column, lines, wrapped

_MANY = 10


def table(timing: Timing, width: int, paint: Paint) -> Iterator[str]:
    """Yield the lines of the table, none wider than the terminal."""
    yield from lines(_columns(timing), _rows(timing), width, paint)
    yield from wrapped("Of completed calls, to within 2.2 %. The first token and tok/s are those of streams.", width)
    if timing.complete_since is not None:
        for part in wrapped(human.pruned(timing.complete_since), width):
            yield paint(part, "yellow")


def _columns(timing: Timing) -> list[Column]:
    return [
        *(Column(name) for name in timing.by),
        Column("calls", number=True),
        Column("p50", number=True, style="bold"),
        Column("p95", number=True),
        Column("first token", number=True, rank=1),
        Column("its p95", number=True, rank=3),
        Column("tok/s", number=True, rank=2),
    ]


def _rows(timing: Timing) -> Iterator[tuple[str, ...]]:
    blank = ["" for _ in timing.by]
    for row in timing.rows:
        yield (*(_name(name, row.group[name]) for name in timing.by), *_cells(row))
    if timing.more:
        yield (f"{timing.more:,} more", *blank[1:], *("" for _ in _cells(timing.total)))
    yield ("total", *blank[1:], *_cells(timing.total))


def _name(dimension: str, value: str | None) -> str:
    return NO_USER if dimension == "user" and value is None else human.text(value)


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
    return human.UNKNOWN if number is None else f"{number:,.{0 if number >= _MANY else 1}f}"
