"""How long calls took, by model, provider, day or whatever else was asked for.

Percentiles are of completed calls, from histograms: they are off by 2.2 % at most.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from sqlite3 import Connection
from typing import Any

import msgspec

from spancast.bookkeeping import texts
from spancast.bookkeeping.answers.dimensions import DIMENSIONS, Legend, dimension
from spancast.bookkeeping.answers.filter import Filter, grounds, teach
from spancast.bookkeeping.answers.sources import Span, each_call, split, whole
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.kept import complete_since
from spancast.bookkeeping.latencies import Measure, bucket, measured, percentile
from spancast.bookkeeping.posted import Posted, read

_ROUTE = ("operation", "model", "provider")
"""The dimensions, besides days, by which histograms are kept, in the order in which a route has them."""

_Histograms = Mapping[Measure, Counter[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRow:
    """How long the completed calls of one group took. What no call of the group states is `None`."""

    group: Mapping[str, str | None]
    """Its values, by dimension."""
    calls: int
    """Completed calls whose duration is known."""
    p50: float | None
    """Nanoseconds from the request to the end of the answer, median."""
    p95: float | None
    first_token_p50: float | None
    """Nanoseconds to the first token of a stream."""
    first_token_p95: float | None
    tokens_per_second_p50: float | None
    """Output tokens a second of a stream, from its first token on."""


def latency(book: Book, by: Sequence[str], chosen: Filter) -> list[LatencyRow]:
    """Return how long the `chosen` calls took by the dimensions `by`, the group of the most calls first.

    Raises `ConfigurationError` for an unknown dimension.
    """
    for name in by:
        dimension(name)
    found: defaultdict[tuple[str | None, ...], defaultdict[Measure, Counter[int]]]
    found = defaultdict(lambda: defaultdict(Counter))
    with book.reading() as connection:
        teach(connection)
        for group, measure, number, calls in _readings(connection, by, chosen):
            found[group][measure][number] += calls
    rows = [_row(dict(zip(by, group, strict=True)), measures) for group, measures in found.items()]
    return sorted(rows, key=lambda row: (-row.calls, [value or "" for value in row.group.values()]))


def whole_since(book: Book, by: Sequence[str], chosen: Filter) -> date | None:
    """Return from which day on `latency` misses no call; `None` where it misses none that the ledger ever had."""
    singly = split(chosen)[1] if _is_kept(by, chosen) else [whole(chosen)]
    with book.reading() as connection:
        return complete_since(connection, singly)


_Reading = tuple[tuple[str | None, ...], Measure, int, int]
"""A group, what was measured, the bucket, and how many calls."""


def _readings(connection: Connection, by: Sequence[str], chosen: Filter) -> Iterator[_Reading]:
    if not _is_kept(by, chosen):
        yield from _single(connection, by, chosen, whole(chosen))
        return
    days, ends = split(chosen)
    yield from _kept(connection, by, chosen, days)
    for end in ends:
        yield from _single(connection, by, chosen, end)


def _is_kept(by: Sequence[str], chosen: Filter) -> bool:
    """Return whether the histograms can tell: a route has no model that was asked for and did not answer."""
    by_routes = all(name in _ROUTE or (name in DIMENSIONS and DIMENSIONS[name].ground == "day") for name in by)
    return by_routes and grounds(chosen) <= {"kind"} and not _asked(chosen) - {"provider", "operation"}


def _asked(chosen: Filter) -> set[str]:
    names = (name for name in chosen.__dataclass_fields__ if name not in ("since", "until"))
    return {name for name in names if getattr(chosen, name)}


def _kept(connection: Connection, by: Sequence[str], chosen: Filter, days: Span) -> Iterator[_Reading]:
    by_day = any(name not in _ROUTE for name in by)
    rows = connection.execute(_BY_DAY if by_day else _SUMMED, days).fetchall()
    routes = _routes(connection, {row["route"] for row in rows}, chosen)
    for measure, number, numbered, day, calls in rows:
        if number in routes:
            route = routes[number]
            group = tuple(route[name] if name in _ROUTE else DIMENSIONS[name].tell(day) for name in by)
            yield group, measure, numbered, calls


def _routes(connection: Connection, numbers: set[int], chosen: Filter) -> dict[int, Mapping[str, str | None]]:
    """Return the routes that are meant, by their number."""
    found: dict[int, Mapping[str, str | None]] = {}
    for number, text in texts.of(connection, numbers).items():
        if number is not None and text is not None:
            route: dict[str, str | None] = dict(zip(_ROUTE, msgspec.json.decode(text), strict=True))
            if all(getattr(chosen, name) in (None, route[name]) for name in ("provider", "operation")):
                found[number] = route
    return found


def _single(connection: Connection, by: Sequence[str], chosen: Filter, span: Span) -> Iterator[_Reading]:
    dimensions = [dimension(name) for name in by]
    asked = list(dict.fromkeys(each.ground for each in dimensions))
    sql, parameters, _ = each_call(asked, Posted._fields, span, chosen)
    rows: list[Any] = connection.execute(sql, parameters).fetchall()
    legend = Legend(connection, {ground: [row[at] for row in rows] for at, ground in enumerate(asked)})
    for row in rows:
        meant = {ground: legend[ground][row[at]] for at, ground in enumerate(asked)}
        group = tuple(each.tell(meant[each.ground]) for each in dimensions)
        for measure, value in measured(read(tuple(row)[len(asked) :])).items():
            yield group, measure, bucket(value), 1


def _row(group: Mapping[str, str | None], measures: _Histograms) -> LatencyRow:
    duration, first = measures[Measure.DURATION], measures[Measure.FIRST_TOKEN]
    return LatencyRow(
        group=group,
        calls=sum(duration.values()),
        p50=percentile(duration, 0.5),
        p95=percentile(duration, 0.95),
        first_token_p50=percentile(first, 0.5),
        first_token_p95=percentile(first, 0.95),
        tokens_per_second_p50=percentile(measures[Measure.THROUGHPUT], 0.5),
    )


_BY_DAY = "SELECT measure, route, bucket, day, calls FROM latencies WHERE day >= ? AND day < ?"
_SUMMED = """
    SELECT measure, route, bucket, NULL, sum(calls) FROM latencies WHERE day >= ? AND day < ?
    GROUP BY measure, route, bucket
"""
