"""The single calls of the ledger."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Any

import msgspec

from spancast.base.units import INT64_MAX
from spancast.bookkeeping.answers.filter import Filter, check_texts, condition, register_tag_function, time_bounds
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.dangling import damage_error
from spancast.bookkeeping.sums import REFUSED_STATUSES
from spancast.records.call import spent

PAGE = 1000
"""Calls read at a time, so that no reader holds back SQLite's log for long."""


class CallRow(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One call, as booked. It contains no reference cycles, so the garbage collector need not track it."""

    seq: int
    """Its number, in the order of booking."""
    call_id: str
    generation_id: str | None
    response_id: str | None
    operation: str
    request_model: str | None
    request_models: tuple[str, ...]
    response_model: str | None
    provider: str | None
    server_address: str | None
    finish_reason: str | None
    native_finish_reason: str | None
    outcome: str
    http_status: int | None
    error_type: str | None
    error_message: str | None
    streamed: bool
    input_tokens: int | None
    output_tokens: int | None
    cached_tokens: int | None
    cache_write_tokens: int | None
    reasoning_tokens: int | None
    cost: Decimal | None
    """US dollars, every digit as stated by OpenRouter."""
    upstream_cost: Decimal | None
    is_byok: bool | None
    cost_source: str | None
    key_hash: str | None
    app: str | None = None
    """The `service.name` of the program."""
    user: str | None
    session: str | None
    tags: Mapping[str, str]
    started_at: int
    """Unix time in nanoseconds."""
    duration: int | None
    """Nanoseconds."""
    time_to_first_token: int | None
    """Nanoseconds."""
    trace_id: str | None
    span_id: str | None
    more: Mapping[str, object]
    """Further fields, by the names in `entry.MORE`, as JSON values; money is a decimal string."""

    @property
    def refused(self) -> bool:
        """Whether it has no cost because OpenRouter refused it; see `sums.REFUSED_STATUSES`."""
        return self.cost is None and self.http_status in REFUSED_STATUSES

    @property
    def spent(self) -> Decimal | None:
        """US dollars that left any account; see `spancast.records.call.spent`."""
        return spent(self.cost, self.upstream_cost, is_byok=self.is_byok)


def calls(book: Book, chosen: Filter, limit: int | None = None) -> Iterator[CallRow]:
    """Yield the `chosen` calls, newest last; with a `limit` only the newest ones."""
    with book.reading() as connection:
        check_texts(connection, chosen)
    parameters: dict[str, object] = {}
    since, until = time_bounds(chosen)
    where = f"{condition(chosen, parameters)} AND started_at < :until"
    parameters |= {"started_at": since or 0, "seq": 0, "until": INT64_MAX if until is None else until, "page": PAGE}
    if limit is not None:
        parameters |= _start_of_newest(book, where, parameters, limit)
    return islice(_pages(book, where, parameters), limit)


def last_seq(book: Book) -> int:
    """Return the `seq` of the call that was booked last; 0 where there is none."""
    with book.reading() as connection:
        return int(connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()[0])


def booked_between(book: Book, chosen: Filter, after: int, last: int) -> Iterator[CallRow]:
    """Yield the `chosen` calls with a `seq` above `after` and up to `last`, in the order of booking."""
    parameters: dict[str, object] = {}
    since, until = time_bounds(chosen)
    numbers = f"""
        SELECT seq FROM entries WHERE seq > :after AND seq <= :last AND +started_at >= :since
        AND +started_at < :until AND {condition(chosen, parameters)} ORDER BY seq LIMIT :page
    """  # noqa: S608 - made of the names above
    parameters |= {"since": since or 0, "until": INT64_MAX if until is None else until, "last": last, "page": PAGE}
    while True:
        rows = _page(book, numbers, "seq", parameters | {"after": after})
        yield from map(_read, rows)
        if len(rows) < PAGE:
            return
        after = rows[-1][_SEQ]


def _pages(book: Book, where: str, parameters: dict[str, object]) -> Iterator[CallRow]:
    numbers = f"""
        SELECT seq FROM entries WHERE started_at >= :started_at AND (started_at, seq) >= (:started_at, :seq)
        AND {where} ORDER BY started_at, seq LIMIT :page
    """  # noqa: S608 - made of the names above
    while True:
        rows = _page(book, numbers, "started_at, seq", parameters)
        yield from map(_read, rows)
        if len(rows) < PAGE:
            return
        parameters |= {"started_at": rows[-1][_STARTED_AT], "seq": rows[-1][_SEQ] + 1}


def _page(book: Book, numbers: str, order: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Return the rows of the calls that the query `numbers` selects.

    Raises `SpancastError` where the kind of one is missing: the view leaves such a call out.
    """
    page = f"SELECT {_COLUMNS} FROM calls WHERE seq IN {_SELECTED} ORDER BY {order}"  # noqa: S608 - made of names
    with book.reading() as connection:
        register_tag_function(connection)
        seqs = [seq for (seq,) in _tuple_cursor(connection).execute(numbers, parameters)]
        which = {"seqs": json.dumps(seqs)}
        rows = _tuple_cursor(connection).execute(page, which).fetchall()
        if len(rows) < len(seqs):
            raise damage_error("kinds", [connection.execute(_MISSING_KIND, which).fetchone()[0]])
    return rows


def _start_of_newest(book: Book, where: str, parameters: dict[str, object], limit: int) -> dict[str, object]:
    query = f"""
        SELECT started_at, seq FROM entries WHERE started_at >= :started_at AND {where}
        ORDER BY started_at DESC, seq DESC LIMIT 1 OFFSET :skipped
    """  # noqa: S608 - made of the names above
    with book.reading() as connection:
        register_tag_function(connection)
        row = connection.execute(query, parameters | {"skipped": max(limit - 1, 0)}).fetchone()
    return dict(row) if row else {}


def _tuple_cursor(connection: sqlite3.Connection) -> sqlite3.Cursor:
    """Return a cursor whose rows are tuples: looking a column up by name takes longer than reading it."""
    cursor = connection.cursor()
    cursor.row_factory = None
    return cursor


def _read(row: Sequence[Any]) -> CallRow:
    *columns, chunks, first, output, gone = row
    if gone is not None:
        raise damage_error("texts", [gone])
    known = dict(zip(_FIELDS, columns, strict=True))
    known["request_models"] = () if known["request_models"] == _NONE else _names(known["request_models"])
    known["streamed"] = bool(known["streamed"])
    known["cost"] = _amount(known["cost"])
    known["upstream_cost"] = _amount(known["upstream_cost"])
    known["is_byok"] = None if known["is_byok"] is None else bool(known["is_byok"])
    known["tags"] = _tags(known["tags"])
    known["more"] = _object(known["more"]) | {
        name: value for name, value in zip(_EXTRA_FIELDS, (chunks, first, output), strict=True) if value is not None
    }
    return CallRow(**known)


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_tags = msgspec.json.Decoder(dict[str, str]).decode
_names = msgspec.json.Decoder(tuple[str, ...]).decode
_object = msgspec.json.Decoder(dict[str, Any]).decode

_NONE = "[]"
_FIELDS = CallRow.__struct_fields__
_SEQ, _STARTED_AT = _FIELDS.index("seq"), _FIELDS.index("started_at")
_EXTRA_FIELDS = ("output_chunks", "upstream_input_cost", "upstream_output_cost")
"""Fields of `more` that are columns in the table."""
_SELECTED = "(SELECT value FROM json_each(:seqs))"
_MISSING_KIND = f"SELECT min(kind) FROM entries WHERE seq IN {_SELECTED} AND kind NOT IN (SELECT id FROM kinds)"  # noqa: S608 - above
_MISSING_TEXT = """
    SELECT CASE
        WHEN calls.user IS NULL AND entries.user NOT NULL THEN entries.user
        WHEN calls.session IS NULL AND entries.session NOT NULL THEN entries.session
        WHEN calls.tags = '{}' THEN entries.tags
    END FROM entries WHERE entries.seq = calls.seq
"""
"""The id of a missing text that the row refers to. A call without tags refers to none."""
_COLUMNS = f"""
    {", ".join({"cost": "cost_text", "upstream_cost": "upstream_cost_text"}.get(name, name) for name in _FIELDS)},
    output_chunks, upstream_input_cost_text, upstream_output_cost_text, ({_MISSING_TEXT})
"""
