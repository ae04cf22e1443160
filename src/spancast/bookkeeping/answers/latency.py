"""How long calls took, by model, provider, day or whatever else was asked for.

Percentiles are of completed calls, from histograms: they are off by 2.2 % at most.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from sqlite3 import Connection
from typing import Any, NamedTuple

import msgspec

from spancast.bookkeeping import texts
from spancast.bookkeeping.answers.dimensions import DIMENSIONS, Group, Legend, dimension
from spancast.bookkeeping.answers.filter import Filter, grounds, teach, window
from spancast.bookkeeping.answers.sources import Span, each_call, split, whole
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.dangling import lost, see_kinds
from spancast.bookkeeping.kept import complete_since
from spancast.bookkeeping.latencies import Measure, bucket, measured, percentile
from spancast.bookkeeping.posted import Posted, read

_ROUTE = ("operation", "model", "provider")
"""The dimensions, besides days, by which histograms are kept, in the order in which a route has them."""


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


class Timed(NamedTuple):
    """How long calls took."""

    rows: list[LatencyRow]
    """By group, that of the most calls first."""
    total: LatencyRow | None
    """Over all groups; `None` where there are none."""


def latency(book: Book, by: Sequence[str], chosen: Filter) -> list[LatencyRow]:
    """Return how long the `chosen` calls took by the dimensions `by`, the group of the most calls first.

    Raises `ConfigurationError` for an unknown dimension.
    """
    return timed(book, by, chosen).rows


def timed(book: Book, by: Sequence[str], chosen: Filter) -> Timed:
    """Return the same, and how long all of them took.

    Raises `ConfigurationError` for an unknown dimension.
    """
    for name in by:
        dimension(name)
    found: defaultdict[Group, _Histograms] = defaultdict(_histograms)
    everything = _histograms()
    with book.reading() as connection:
        teach(connection)
        see_kinds(connection)
        for group, measure, counts in _readings(connection, by, chosen):
            _count(found[group][measure], counts)
            _count(everything[measure], counts)
    rows = [_row(dict(zip(by, group, strict=True)), measures) for group, measures in found.items()]
    rows.sort(key=lambda row: (-row.calls, [value or "" for value in row.group.values()]))
    return Timed(rows, _row({}, everything) if rows else None)


def whole_since(book: Book, by: Sequence[str], chosen: Filter) -> date | None:
    """Return from which day on `latency` misses no call; `None` where it misses none that the ledger ever had."""
    singly = split(chosen)[1] if _is_kept(by, chosen) else [whole(chosen)]
    with book.reading() as connection:
        return complete_since(connection, singly)


_Histograms = Mapping[Measure, defaultdict[int, int]]
"""How many calls are in each bucket."""
_Reading = tuple[Group, Measure, Mapping[int, int]]
"""A group, what was measured, and how many calls are in some buckets."""


def _histograms() -> _Histograms:
    return {measure: defaultdict(int) for measure in Measure}


def _count(counts: defaultdict[int, int], added: Mapping[int, int]) -> None:
    for number, calls in added.items():
        counts[number] += calls


def _readings(connection: Connection, by: Sequence[str], chosen: Filter) -> Iterator[_Reading]:
    if not _is_kept(by, chosen):
        yield from _single(connection, by, chosen, whole(chosen))
        return
    days, ends = (None, []) if window(chosen) == (None, None) else split(chosen)
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


def _kept(connection: Connection, by: Sequence[str], chosen: Filter, days: Span | None) -> Iterator[_Reading]:
    """Yield what is kept of these days, or of all."""
    by_day = any(name not in _ROUTE for name in by)
    counts: defaultdict[tuple[int, int, int], dict[int, int]] = defaultdict(dict)
    cursor = connection.cursor()
    cursor.row_factory = None
    among = "" if days is None else "WHERE day >= ? AND day < ?"
    for measure, number, day, numbered, calls in cursor.execute(
        (_BY_DAY if by_day else _SUMMED).format(among), days or ()
    ):
        counts[measure, number, day][numbered] = calls
    routes = _routes(connection, {number for _, number, _ in counts}, chosen)
    for (measure, number, day), each in counts.items():
        if number in routes:
            route = routes[number]
            group = tuple(route[name] if name in _ROUTE else DIMENSIONS[name].tell(day) for name in by)
            yield group, Measure(measure), each


def _routes(connection: Connection, numbers: set[int], chosen: Filter) -> dict[int, Mapping[str, str | None]]:
    """Return the routes that are meant, by their number."""
    found: dict[int, Mapping[str, str | None]] = {}
    known = texts.of(connection, numbers)
    if numbers - known.keys():
        raise lost("texts", numbers - known.keys())
    for number, text in known.items():
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
            yield group, measure, {bucket(value): 1}


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


_BY_DAY = "SELECT measure, route, day, bucket, calls FROM latencies {}"
_SUMMED = "SELECT measure, route, NULL, bucket, sum(calls) FROM latencies {} GROUP BY measure, route, bucket"
"""A row a bucket: those of the same day, or over all days."""
