"""The single calls of the ledger."""

import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import msgspec

from spancast.bookkeeping.answers.filter import Filter, condition, teach, window
from spancast.bookkeeping.book import Book
from spancast.bookkeeping.sums import REFUSED
from spancast.call import spent

PAGE = 1000
"""Calls read at a time, so that no reader holds the file's log for long."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CallRow:
    """One call, as booked."""

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
    """US dollars, every digit as OpenRouter stated it."""
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
    """What else is known, by the names in `book.MORE`, as JSON has it; money is a decimal string."""

    @property
    def refused(self) -> bool:
        """Whether it has no cost since OpenRouter refused it; see `REFUSED`."""
        return self.cost is None and self.http_status in REFUSED

    @property
    def spent(self) -> Decimal | None:
        """US dollars that left any account; see `spancast.call.spent`."""
        return spent(self.cost, self.upstream_cost, is_byok=self.is_byok)


def calls(book: Book, chosen: Filter, limit: int | None = None) -> Iterator[CallRow]:
    """Yield the `chosen` calls, newest last; the newest `limit` of them where one is given."""
    parameters: dict[str, object] = {}
    since, until = window(chosen)
    where = f"{condition(chosen, parameters)} AND started_at < :until"
    parameters |= {"started_at": since or 0, "seq": 0, "until": 2**63 - 1 if until is None else until, "page": PAGE}
    if limit is not None:
        parameters |= _first_of_the_newest(book, where, parameters, limit)
    return islice(_pages(book, where, parameters), limit)


def newest(book: Book) -> int:
    """Return the number of the call that was booked last; 0 where there is none."""
    with book.reading() as connection:
        return int(connection.execute("SELECT coalesce(max(seq), 0) FROM entries").fetchone()[0])


def booked(book: Book, chosen: Filter, after: int, last: int) -> Iterator[CallRow]:
    """Yield the `chosen` calls with numbers above `after`, up to the `last`, in the order of booking."""
    parameters: dict[str, object] = {}
    since, until = window(chosen)
    page = f"""
        SELECT * FROM calls WHERE seq IN (
            SELECT seq FROM entries WHERE seq > :after AND seq <= :last AND +started_at >= :since
            AND +started_at < :until AND {condition(chosen, parameters)} ORDER BY seq LIMIT :page
        ) ORDER BY seq
    """  # noqa: S608 - made of the names above
    parameters |= {"since": since or 0, "until": 2**63 - 1 if until is None else until, "last": last, "page": PAGE}
    while True:
        with book.reading() as connection:
            teach(connection)
            rows = connection.execute(page, parameters | {"after": after}).fetchall()
        yield from map(_read, rows)
        if len(rows) < PAGE:
            return
        after = rows[-1]["seq"]


def _pages(book: Book, where: str, parameters: dict[str, object]) -> Iterator[CallRow]:
    page = f"""
        SELECT * FROM calls WHERE seq IN (
            SELECT seq FROM entries WHERE started_at >= :started_at AND (started_at, seq) >= (:started_at, :seq)
            AND {where} ORDER BY started_at, seq LIMIT :page
        ) ORDER BY started_at, seq
    """  # noqa: S608 - made of the names above
    while True:
        with book.reading() as connection:
            teach(connection)
            rows = connection.execute(page, parameters).fetchall()
        yield from map(_read, rows)
        if len(rows) < PAGE:
            return
        parameters |= {"started_at": rows[-1]["started_at"], "seq": rows[-1]["seq"] + 1}


def _first_of_the_newest(book: Book, where: str, parameters: dict[str, object], limit: int) -> dict[str, object]:
    query = f"""
        SELECT started_at, seq FROM entries WHERE started_at >= :started_at AND {where}
        ORDER BY started_at DESC, seq DESC LIMIT 1 OFFSET :skipped
    """  # noqa: S608 - made of the names above
    with book.reading() as connection:
        teach(connection)
        row = connection.execute(query, parameters | {"skipped": max(limit - 1, 0)}).fetchone()
    return dict(row) if row else {}


def _read(row: sqlite3.Row) -> CallRow:
    return CallRow(
        seq=row["seq"],
        call_id=row["call_id"],
        generation_id=row["generation_id"],
        response_id=row["response_id"],
        operation=row["operation"],
        request_model=row["request_model"],
        request_models=tuple(msgspec.json.decode(row["request_models"], type=list[str])),
        response_model=row["response_model"],
        provider=row["provider"],
        server_address=row["server_address"],
        finish_reason=row["finish_reason"],
        native_finish_reason=row["native_finish_reason"],
        outcome=row["outcome"],
        http_status=row["http_status"],
        error_type=row["error_type"],
        error_message=row["error_message"],
        streamed=bool(row["streamed"]),
        input_tokens=row["input_tokens"],
        output_tokens=row["output_tokens"],
        cached_tokens=row["cached_tokens"],
        cache_write_tokens=row["cache_write_tokens"],
        reasoning_tokens=row["reasoning_tokens"],
        cost=_amount(row["cost_text"]),
        upstream_cost=_amount(row["upstream_cost_text"]),
        is_byok=None if row["is_byok"] is None else bool(row["is_byok"]),
        cost_source=row["cost_source"],
        key_hash=row["key_hash"],
        app=row["app"],
        user=row["user"],
        session=row["session"],
        tags=_tags(row["tags"]),
        started_at=row["started_at"],
        duration=row["duration"],
        time_to_first_token=row["time_to_first_token"],
        trace_id=row["trace_id"],
        span_id=row["span_id"],
        more=msgspec.json.decode(row["more"])
        | {name: row[column] for name, column in _BESIDE if row[column] is not None},
    )


def _amount(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)


_tags = msgspec.json.Decoder(dict[str, str]).decode


def _beside(row: sqlite3.Row) -> dict[str, object]:
    return {name: row[column] for name, column in _BESIDE if row[column] is not None}


_BESIDE = (
    ("output_chunks", "output_chunks"),
    ("upstream_input_cost", "upstream_input_cost_text"),
    ("upstream_output_cost", "upstream_output_cost_text"),
)
"""What has columns of its own, among what mostly has none."""
