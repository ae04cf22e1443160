"""How long calls took, in histograms that merge exactly over any days.

A bucket's upper bound is 2^(1/16) times the one before (OpenTelemetry's exponential histogram, scale 4), so that a
percentile is off by 2.2 % at most.
"""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from enum import IntEnum
from functools import lru_cache
from sqlite3 import Connection
from typing import NamedTuple

import msgspec

from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping import texts
from spancast.bookkeeping.posted import Posted
from spancast.bookkeeping.rollups import day_of

SCALE = 4
"""Each power of two is divided into 2^SCALE buckets."""

_PER_DOUBLING = 1 << SCALE
_encoded = msgspec.json.Encoder().encode


class Measure(IntEnum):
    """What is measured of completed calls."""

    DURATION = 1
    """Nanoseconds from the request to the end of the answer."""
    FIRST_TOKEN = 2
    """Nanoseconds from the request to the first token of a stream."""
    THROUGHPUT = 3
    """Output tokens per second of a stream, from its first token on."""


class Measurement(NamedTuple):
    """One value of one call."""

    measure: Measure
    route: str
    bucket: int
    day: int


def bucket(value: float) -> int:
    """Return the number of the bucket of a value above zero."""
    return math.ceil(math.log2(value) * _PER_DOUBLING)


def value(number: int) -> float:
    """Return the value that represents a bucket: the geometric mean of its bounds."""
    return float(2 ** ((number - 0.5) / _PER_DOUBLING))


def percentile(counts: Mapping[int, int], share: float) -> float | None:
    """Return the value that a `share` of the calls does not exceed, given calls by bucket; `None` without calls."""
    wanted = share * sum(counts.values())
    reached = 0
    for number in sorted(counts):
        reached += counts[number]
        if reached >= wanted and reached:
            return value(number)
    return None


def measured(call: Posted) -> Mapping[Measure, float]:
    """Return the measures of a call; none where it did not complete, or its duration is unknown."""
    duration, first = call.duration, call.time_to_first_token
    if call.outcome != "completed" or call.error_type is not None or duration is None or duration <= 0:
        return {}
    found: dict[Measure, float] = {Measure.DURATION: duration}
    if call.streamed and first is not None and first > 0:
        found[Measure.FIRST_TOKEN] = first
        if duration > first and call.output_tokens is not None and call.output_tokens > 0:
            found[Measure.THROUGHPUT] = call.output_tokens * NS_PER_SECOND / (duration - first)
    return found


def measurements(call: Posted) -> list[Measurement]:
    """Return what a call adds to the histograms, which are by operation, model and provider."""
    found = measured(call)
    if not found:
        return []
    route = _route(call.operation, call.response_model or call.request_model, call.provider)
    day = day_of(call.started_at)
    return [Measurement._make((measure, route, bucket(value), day)) for measure, value in found.items()]


@lru_cache(1000)
def _route(operation: str, model: str | None, provider: str | None) -> str:
    return _encoded([operation, model, provider]).decode()


def post(
    connection: Connection, added: Iterable[Measurement], sign: int = 1, ids: dict[str, int] | None = None
) -> None:
    """Count measurements, or with `sign` -1 uncount them; `ids` caches the ids of texts."""
    counts = Counter(added)
    numbers: dict[str, int] = {} if ids is None else ids
    texts.assign_ids(connection, {route for _, route, _, _ in counts}, numbers)
    # SQLite inserts rows fastest in the order of their primary key.
    rows = sorted((int(measure), numbers[route], number, day, n) for (measure, route, number, day), n in counts.items())
    connection.executemany(_COUNT, [(*key, sign * count) for *key, count in rows])
    if sign < 0:
        connection.executemany(_EMPTY, [key for *key, _ in rows])


def clear(connection: Connection, since: int) -> None:
    """Delete the histograms of the days from `since` on."""
    connection.execute("DELETE FROM latencies WHERE day >= ?", (since,))


_COUNT = """
    INSERT INTO latencies VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET calls = calls + excluded.calls
"""
_EMPTY = "DELETE FROM latencies WHERE measure = ? AND route = ? AND bucket = ? AND day = ? AND calls = 0"
