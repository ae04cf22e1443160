"""Sums of the adjustments that reconciling stored, which are part of the costs; see `reconciling.adjustments`.

An adjustment of a call in the ledger has that call's groups and time. One of a generation that is not in the ledger, or
of a call that was pruned, has what OpenRouter stated: a time, a model, a provider and a user. Everything else of it is
unknown, so that filters on it do not match. Without a stated time, the time of the adjustment itself counts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

from spancast.base import money
from spancast.bookkeeping.answers.dimensions import Dimension, Group, Legend
from spancast.bookkeeping.answers.filter import Filter, criteria
from spancast.bookkeeping.answers.sources import adjusted_calls, day_and_hour, time_range
from spancast.bookkeeping.entry import packed


@dataclass(slots=True)
class AdjustmentSum:
    """The adjustments of one group."""

    count: int = 0
    picos: int = 0
    """Pico-dollars to add to the ledger's, each adjustment rounded half-even."""

    def add(self, other: "AdjustmentSum") -> None:
        """Add another sum."""
        self.count += other.count
        self.picos += other.picos


def adjustment_sums(
    connection: Connection, dimensions: Sequence[Dimension], group_by: Sequence[str], chosen: Filter
) -> dict[Group, AdjustmentSum]:
    """Return the adjustments of the `chosen` calls, by the values of the dimensions."""
    found: dict[Group, AdjustmentSum] = {}
    if connection.execute("SELECT 1 FROM adjustments LIMIT 1").fetchone() is None:
        return found
    connection.create_function("packed", 1, packed, deterministic=True)
    for row_values, text in (*_of_calls(connection, group_by, chosen), *_of_others(connection, chosen)):
        group = tuple(each.value_of(row_values[each.column]) for each in dimensions)
        found.setdefault(group, AdjustmentSum()).add(AdjustmentSum(1, money.pico(Decimal(text))))
    return found


def total_of(several: Iterable[AdjustmentSum]) -> AdjustmentSum:
    """Return the sum over several groups."""
    whole = AdjustmentSum()
    for each in several:
        whole.add(each)
    return whole


_RowValues = Mapping[str, Any]
"""The values that dimensions are computed from, by column."""


def _of_calls(connection: Connection, group_by: Sequence[str], chosen: Filter) -> Iterator[tuple[_RowValues, str]]:
    query = adjusted_calls(group_by, chosen)
    rows = connection.execute(query.sql, query.parameters).fetchall()
    legend = Legend(connection, {column: [row[at] for row in rows] for at, column in enumerate(group_by)})
    for row in rows:
        yield {column: legend[column][row[at]] for at, column in enumerate(group_by)}, row[len(group_by)]


def _of_others(connection: Connection, chosen: Filter) -> Iterator[tuple[_RowValues, str]]:
    wanted = criteria(chosen)
    for at, model, provider, user, text in connection.execute(_OTHERS, time_range(chosen)):
        if {"model": model, "provider": provider, "user": user}.items() >= wanted.items():
            day, hour = day_and_hour(at)
            kind = {**_UNKNOWN, "response_model": model, "provider": provider}
            yield {"kind": kind, "user": user, "session": None, "tags": None, "day": day, "hour": hour}, text


_UNKNOWN = dict.fromkeys(("request_model", "operation", "app", "key_hash", "error_type"))
"""Columns of a kind that a bill does not state: OpenRouter has its own names for applications and keys."""
_OTHERS = """
    SELECT coalesce(billed_at, at) AS began, model, provider, user, cost_text FROM adjustments
    WHERE began >= ? AND began < ? AND NOT EXISTS (
        SELECT 1 FROM entries WHERE entries.call_id = packed(coalesce(adjustments.call_id, ''))
    )
"""
