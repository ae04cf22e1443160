"""Corrections of the ledger: an audit trail beside the calls, which are never rewritten.

Each row states by how much the bill of one generation, or of one call that was not billed, differs from what the ledger
held at that time. Rows are only added.
"""

import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from spancast.base import money
from spancast.base.units import NS_PER_SECOND
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.reconciling.amount import Amount
from spancast.bookkeeping.reconciling.billed import Billed

Kind = Literal["different", "theirs_only", "ours_only"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """One correction, as it is stored."""

    kind: Kind
    delta: Amount
    booked: Decimal | None
    billed: Decimal
    call_id: str | None = None
    generation: Billed | None = None
    generation_id: str | None = None


def name(generation_id: str | None, call_id: str | None) -> str:
    """Return the key of a generation's adjustments, or of a call's where it has no generation id."""
    return f"call {call_id}" if generation_id is None else generation_id


def stored(book: Book) -> Mapping[str, Amount]:
    """Return the sum of the adjustments of each generation or call, by `name`."""
    found: defaultdict[str, Amount] = defaultdict(Amount)
    with book.reading() as connection:
        rows = connection.execute("SELECT generation_id, call_id, cost_text, byok_text FROM adjustments").fetchall()
    for row in rows:
        amount = Amount(Decimal(row["cost_text"]), Decimal(row["byok_text"]))
        found[name(row["generation_id"], row["call_id"])] += amount
    return found


def store(book: Book, wanted: Iterable[Adjustment]) -> None:
    """Store adjustments, all or none."""
    rows = [_row(each) for each in wanted]
    if not rows:
        return
    with book.writing() as connection:
        _insert(connection, rows)


def _insert(connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    connection.executemany("INSERT INTO adjustments VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def _row(each: Adjustment) -> tuple[object, ...]:
    billed = each.generation
    at = None if billed is None else billed.at
    return (
        time.time_ns(),
        each.kind,
        each.call_id,
        each.generation_id if billed is None else billed.generation_id,
        None if at is None else int(at.timestamp()) * NS_PER_SECOND,
        money.column(each.delta.credits),
        money.plain(each.delta.credits),
        money.plain(each.delta.byok),
        None if each.booked is None else money.plain(each.booked),
        money.plain(each.billed),
        None if billed is None else billed.model,
        None if billed is None else billed.provider,
        None if billed is None else billed.app,
        None if billed is None else billed.key,
        None if billed is None else billed.user,
    )
