"""What reconciling noted beside the calls, as part of what they cost; see `reconciling.adjustments`.

An adjustment of a call that is in the ledger belongs to the call's groups and to its time. One of a generation that is
in no ledger, or of a call that was pruned, belongs to what OpenRouter told of it: a time, a model, a provider and a
user; whatever else is asked of it is unknown, and no filter finds it by that. Where no time was told it is the one at
which it was noted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from sqlite3 import Connection
from typing import Any

from spancast.base import money
from spancast.bookkeeping.answers.dimensions import Dimension, Group, Legend
from spancast.bookkeeping.answers.filter import Filter, named
from spancast.bookkeeping.answers.sources import adjusted_calls, day_and_hour, whole
from spancast.bookkeeping.entry import packed


@dataclass(slots=True)
class Adjusted:
    """What was noted of one group."""

    count: int = 0
    picos: int = 0
    """Pico-dollars that are to be added to what the ledger has, rounded half-even by adjustment."""

    def add(self, other: "Adjusted") -> None:
        """Add what another has."""
        self.count += other.count
        self.picos += other.picos


def adjusted(
    connection: Connection, dimensions: Sequence[Dimension], asked: Sequence[str], chosen: Filter
) -> dict[Group, Adjusted]:
    """Return what was noted of the calls that are meant, by the values of the dimensions."""
    found: dict[Group, Adjusted] = {}
    if connection.execute("SELECT 1 FROM adjustments LIMIT 1").fetchone() is None:
        return found
    connection.create_function("packed", 1, packed, deterministic=True)
    for meant, text in (*_of_calls(connection, asked, chosen), *_of_others(connection, chosen)):
        group = tuple(each.tell(meant[each.ground]) for each in dimensions)
        found.setdefault(group, Adjusted()).add(Adjusted(1, money.pico(Decimal(text))))
    return found


def added(several: Iterable[Adjusted]) -> Adjusted:
    """Return what was noted of several groups."""
    whole = Adjusted()
    for each in several:
        whole.add(each)
    return whole


_Meant = Mapping[str, Any]
"""What dimensions are told from, by ground."""


def _of_calls(connection: Connection, asked: Sequence[str], chosen: Filter) -> Iterator[tuple[_Meant, str]]:
    query = adjusted_calls(asked, chosen)
    rows = connection.execute(query.sql, query.parameters).fetchall()
    legend = Legend(connection, {ground: [row[at] for row in rows] for at, ground in enumerate(asked)})
    for row in rows:
        yield {ground: legend[ground][row[at]] for at, ground in enumerate(asked)}, row[len(asked)]


def _of_others(connection: Connection, chosen: Filter) -> Iterator[tuple[_Meant, str]]:
    wanted = named(chosen)
    for at, model, provider, user, text in connection.execute(_OTHERS, whole(chosen)):
        if {"model": model, "provider": provider, "user": user}.items() >= wanted.items():
            day, hour = day_and_hour(at)
            kind = {**_UNKNOWN, "response_model": model, "provider": provider}
            yield {"kind": kind, "user": user, "session": None, "tags": None, "day": day, "hour": hour}, text


_UNKNOWN = dict.fromkeys(("request_model", "operation", "app", "key_hash", "error_type"))
"""What a kind tells of a call and a bill does not: OpenRouter has names of its own for applications and keys."""
_OTHERS = """
    SELECT coalesce(billed_at, at) AS began, model, provider, user, cost_text FROM adjustments
    WHERE began >= ? AND began < ? AND NOT EXISTS (
        SELECT 1 FROM entries WHERE entries.call_id = packed(coalesce(adjustments.call_id, ''))
    )
"""
