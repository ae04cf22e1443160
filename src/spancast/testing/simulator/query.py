"""Parsing an analytics query (OpenRouter API, POST /analytics/query)."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import msgspec

from spancast.testing.simulator import errors
from spancast.testing.simulator.dimensions import DIMENSIONS
from spancast.testing.simulator.metrics import METRICS
from spancast.testing.simulator.periods import STARTS

Value = str | int | float
Operator = Literal["eq", "neq", "in", "not_in", "gt", "gte", "lt", "lte"]
MAX_ROWS = 10_000
_DEFAULT_ROWS = 1000
_DEFAULT_RANGE = timedelta(days=7)
_LONG, _SHORT, _MINUTES = timedelta(days=365), timedelta(days=31), timedelta(hours=3)
"""The longest time ranges: in general, with metrics or dimensions that are not long, and by the minute."""
_MAX_DIMENSIONS = 2
_MAX_FILTERS = 20


class Filter(msgspec.Struct, frozen=True, kw_only=True):
    """A condition on a dimension."""

    field: str
    operator: Operator
    value: Value | list[Value]
    include_unset: bool = False


class Ordering(msgspec.Struct, frozen=True, kw_only=True):
    """The order of the rows."""

    field: str
    direction: Literal["asc", "desc"]


class Range(msgspec.Struct, frozen=True, kw_only=True):
    """A half-open time range: `end` is excluded."""

    start: datetime
    end: datetime


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A query."""

    metrics: list[str]
    dimensions: list[str] = []
    filters: list[Filter] = []
    granularity: Literal["minute", "hour", "day", "week", "month"] | None = None
    group_limit: int | None = None
    limit: int = _DEFAULT_ROWS
    order_by: Ordering | None = None
    time_range: Range | None = None

    def range(self, now: datetime) -> Range:
        """Return the time range in UTC."""
        asked = self.time_range or Range(start=now - _DEFAULT_RANGE, end=now)
        return Range(start=_utc(asked.start), end=_utc(asked.end))

    @property
    def time_column(self) -> str:
        """The name of the time column."""
        return f"date__{self.granularity}"


def read(body: dict[str, Any], now: datetime, most_rows: int) -> Query:
    """Return the query; raise `RequestError` (400) if it is invalid."""
    try:
        query = msgspec.convert(body, Query)
    except msgspec.ValidationError as error:
        raise errors.bad_request(f"Invalid query: {error}") from None
    _check_names(query)
    _check_size(query)
    _check_range(query, query.range(now))
    return msgspec.structs.replace(query, limit=min(query.limit, most_rows))


def _check_names(query: Query) -> None:
    _known("metric", query.metrics, METRICS)
    _known("dimension", [*query.dimensions, *(each.field for each in query.filters)], DIMENSIONS)
    if query.order_by is not None:
        _known("order field", [query.order_by.field], {*query.metrics, *query.dimensions, "request_count", "date"})
    for each in query.filters:
        if isinstance(each.value, list) != (each.operator in {"in", "not_in"}):
            raise errors.bad_request(f"Invalid value for operator {each.operator} on {each.field}")


def _known(what: str, names: Sequence[str], known: Any) -> None:
    for name in names:
        if name not in known:
            raise errors.bad_request(f"Invalid {what}: {name}")


def _check_size(query: Query) -> None:
    if not query.metrics:
        raise errors.bad_request("At least one metric is required")
    if len(query.dimensions) > _MAX_DIMENSIONS:
        raise errors.bad_request(f"At most {_MAX_DIMENSIONS} dimensions are allowed")
    if len(query.filters) > _MAX_FILTERS:
        raise errors.bad_request(f"At most {_MAX_FILTERS} filters are allowed")
    for limit in (query.limit, query.group_limit or 1):
        if not 1 <= limit <= MAX_ROWS:
            raise errors.bad_request(f"Limits are from 1 to {MAX_ROWS}, received {limit}")


def _check_range(query: Query, asked: Range) -> None:
    if asked.start >= asked.end:
        raise errors.bad_request("The time range must start before it ends")
    longest = _MINUTES if query.granularity == "minute" else _LONG
    metrics = (METRICS[name].is_long for name in query.metrics)
    dimensions = (DIMENSIONS[name].is_long for name in (*query.dimensions, *(each.field for each in query.filters)))
    if not (all(metrics) and all(dimensions)):
        longest = min(longest, _SHORT)
    if asked.end - asked.start > longest:
        raise errors.bad_request(f"The time range may span {longest} at most")


def _utc(instant: datetime) -> datetime:
    return instant.replace(tzinfo=UTC) if instant.tzinfo is None else instant.astimezone(UTC)


GRANULARITIES = tuple(STARTS)
