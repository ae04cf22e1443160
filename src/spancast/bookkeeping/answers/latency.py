"""How long calls took, by model, provider, day or any other dimension.

Percentiles are of completed calls, computed from histograms, with an error of 2.2 % at most.
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
from spancast.bookkeeping.answers.filter import Filter, check_texts, criteria, register_tag_function, time_bounds
from spancast.bookkeeping.answers.sources import UnitRange, entry_rows, split_days, time_range
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.dangling import check_kinds, damage_error
from spancast.bookkeeping.latencies import Measure, bucket, measured, percentile
from spancast.bookkeeping.posted import Posted, read
from spancast.bookkeeping.retention import complete_since

_ROUTE = ("operation", "model", "provider")
"""The dimensions of the stored histograms besides the day, in the order of a route."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LatencyRow:
    """How long the completed calls of one group took; `None` for a measure that no call states."""

    group: Mapping[str, str | None]
    """The values of the dimensions."""
    calls: int
    """Completed calls whose duration is known."""
    p50: float | None
    """Median of the nanoseconds from the request to the end of the answer."""
    p95: float | None
    first_token_p50: float | None
    """Nanoseconds to the first token of a stream."""
    first_token_p95: float | None
    tokens_per_second_p50: float | None
    """Output tokens per second of a stream, from its first token on."""


class Timed(NamedTuple):
    """Rows by group, and their total."""

    rows: list[LatencyRow]
    """By group, the group of the most calls first."""
    total: LatencyRow | None
    """Over all groups; `None` where there is none."""


def latency(book: Book, by: Sequence[str], chosen: Filter) -> list[LatencyRow]:
    """Return how long the `chosen` calls took by the dimensions `by`, the group of the most calls first.

    Raises `ConfigurationError` for an unknown dimension.
    """
    return timed(book, by, chosen).rows


def timed(book: Book, by: Sequence[str], chosen: Filter) -> Timed:
    """Return the rows of `latency`, and their total.

    Raises `ConfigurationError` for an unknown dimension.
    """
    for name in by:
        dimension(name)
    found: defaultdict[Group, _Histograms] = defaultdict(_histograms)
    everything = _histograms()
    with book.reading() as connection:
        register_tag_function(connection)
        check_kinds(connection)
        check_texts(connection, chosen)
        for group, measure, counts in _measurements(connection, by, chosen):
            _count(found[group][measure], counts)
            _count(everything[measure], counts)
    rows = [_row(dict(zip(by, group, strict=True)), measures) for group, measures in found.items()]
    rows.sort(key=lambda row: (-row.calls, [value or "" for value in row.group.values()]))
    return Timed(rows, _row({}, everything) if rows else None)


def whole_since(book: Book, by: Sequence[str], chosen: Filter) -> date | None:
    """Return the first day from which `latency` is complete; `None` where no pruned call is missing."""
    singly = split_days(chosen)[1] if _has_histograms(by, chosen) else [time_range(chosen)]
    with book.reading() as connection:
        return complete_since(connection, singly)


_Histograms = Mapping[Measure, defaultdict[int, int]]
"""The number of calls by measure and bucket."""
_GroupCounts = tuple[Group, Measure, Mapping[int, int]]
"""A group, a measure, and the number of calls by bucket."""


def _histograms() -> _Histograms:
    return {measure: defaultdict(int) for measure in Measure}


def _count(counts: defaultdict[int, int], added: Mapping[int, int]) -> None:
    for number, calls in added.items():
        counts[number] += calls


def _measurements(connection: Connection, by: Sequence[str], chosen: Filter) -> Iterator[_GroupCounts]:
    if not _has_histograms(by, chosen):
        yield from _from_entries(connection, by, chosen, time_range(chosen))
        return
    days, ends = (None, []) if time_bounds(chosen) == (None, None) else split_days(chosen)
    yield from _from_histograms(connection, by, chosen, days)
    for end in ends:
        yield from _from_entries(connection, by, chosen, end)


def _has_histograms(by: Sequence[str], chosen: Filter) -> bool:
    """Return whether the stored histograms suffice. A filter on models needs the requested model, which they lack."""
    by_routes = all(name in _ROUTE or (name in DIMENSIONS and DIMENSIONS[name].column == "day") for name in by)
    return by_routes and criteria(chosen).keys() <= {"provider", "operation"}


def _from_histograms(
    connection: Connection, by: Sequence[str], chosen: Filter, days: UnitRange | None
) -> Iterator[_GroupCounts]:
    """Yield the stored histograms of these days, or of all."""
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
            group = tuple(route[name] if name in _ROUTE else DIMENSIONS[name].value_of(day) for name in by)
            yield group, Measure(measure), each


def _routes(connection: Connection, numbers: set[int], chosen: Filter) -> dict[int, Mapping[str, str | None]]:
    """Return the chosen routes, by id."""
    found: dict[int, Mapping[str, str | None]] = {}
    known = texts.by_id(connection, numbers)
    if numbers - known.keys():
        raise damage_error("texts", numbers - known.keys())
    for number, text in known.items():
        if number is not None and text is not None:
            route: dict[str, str | None] = dict(zip(_ROUTE, msgspec.json.decode(text), strict=True))
            if all(getattr(chosen, name) in (None, route[name]) for name in ("provider", "operation")):
                found[number] = route
    return found


def _from_entries(connection: Connection, by: Sequence[str], chosen: Filter, span: UnitRange) -> Iterator[_GroupCounts]:
    dimensions = [dimension(name) for name in by]
    group_by = list(dict.fromkeys(each.column for each in dimensions))
    sql, parameters, _ = entry_rows(group_by, Posted._fields, span, chosen)
    rows: list[Any] = connection.execute(sql, parameters).fetchall()
    legend = Legend(connection, {column: [row[at] for row in rows] for at, column in enumerate(group_by)})
    for row in rows:
        row_values = {column: legend[column][row[at]] for at, column in enumerate(group_by)}
        group = tuple(each.value_of(row_values[each.column]) for each in dimensions)
        for measure, value in measured(read(tuple(row)[len(group_by) :])).items():
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
"""One row per bucket: by day, or over all days."""
